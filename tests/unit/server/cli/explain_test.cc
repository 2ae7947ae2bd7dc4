// SPDX-License-Identifier: Apache-2.0
#include "server/cli/explain.h"

#include <gtest/gtest.h>

namespace vigil::cli {
namespace {

TEST(PrintPlan, DrawsATree) {
  const JsonValue data = ParseJson(R"({
      "resultSeries":2,"series":3,"samples":30,"chunksInMemory":4,"chunksInDatabase":0,
      "peakSamples":9,"queueSeconds":0,"planSeconds":0.00001,"evaluationSeconds":0.002,
      "resultSeconds":0.0005,
      "plan":{"text":"a + b","evaluation":"vector matching","onceForAllSteps":false,
        "outputSeries":2,"series":0,"samples":0,"steps":5,"selfSeconds":0.0005,"share":0.25,
        "children":[
          {"text":"a","evaluation":"newest sample per step","onceForAllSteps":true,
           "series":3,"samples":30,"chunksInMemory":4,"chunksInDatabase":2,
           "selfSeconds":0.0015,"share":0.75,"children":[]},
          {"text":"b","evaluation":"newest sample per step","selfSeconds":0,"share":0,
           "children":[{"text":"c","evaluation":"constant"}]}]}})")
                             .value();
  EXPECT_EQ(PrintPlan(data),
            "2 series as the result, 3 series selected, 30 samples read, 4 chunks in memory, 0 in "
            "the database, at most 9 samples held\n"
            "queue 0.000ms, plan 0.010ms, evaluation 2.000ms, result 0.500ms\n"
            "\n"
            " 25.0%     0.500ms  a + b  [vector matching, 2 series out, 5 steps]\n"
            " 75.0%     1.500ms  ├─ a  [newest sample per step, once for all steps, 3 series "
            "selected, 30 samples read, 4 chunks in memory, 2 chunks in the database]\n"
            "  0.0%     0.000ms  └─ b  [newest sample per step]\n"
            "  0.0%     0.000ms     └─ c  [constant]\n");
}

TEST(PrintQueries, GivesEachALine) {
  const JsonValue data = ParseJson(R"({"queries":[
      {"id":7,"query":"up","state":"running","client":"1.2.3.4:5","ageSeconds":1.5,
       "cpuSeconds":0.25,"series":10,"samples":200}]})")
                             .value();
  EXPECT_EQ(PrintQueries(data),
            "     7 running      1.50s     0.25s CPU         10 series          200 samples  "
            "1.2.3.4:5  up\n");
}

}  // namespace
}  // namespace vigil::cli
