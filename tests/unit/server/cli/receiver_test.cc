// SPDX-License-Identifier: Apache-2.0
#include "server/cli/receiver.h"

#include <gtest/gtest.h>

namespace vigil::cli {
namespace {

TEST(Receiver, PrintsARowForEachMessage) {
  const JsonValue results =
      ParseJson(R"([{"integration":"email","index":0,"status":"firing","result":"sent",)"
                R"("error":"","code":0,"durationSeconds":0.012},)"
                R"({"integration":"webhook","index":1,"status":"firing","result":"retry",)"
                R"("error":"no answer in time","code":0,"durationSeconds":24}])")
          .value();
  bool failed = false;
  EXPECT_EQ(PrintDrill(results, &failed),
            "Integration  Message  Result  Seconds  Error              \n"
            "email[0]     firing   sent    0.012                       \n"
            "webhook[1]   firing   failed  24       no answer in time  \n");
  EXPECT_TRUE(failed);
  EXPECT_EQ(PrintDrill(ParseJson("[]").value(), &failed), "The receiver has no integrations.\n");
  EXPECT_FALSE(failed);
}

TEST(Receiver, OutlastsTheServer) {
  EXPECT_EQ(DrillTimeout(30'000, false), 24'000);
  EXPECT_EQ(DrillTimeout(30'000, true), 9'000);
  EXPECT_EQ(DrillTimeout(2'000, false), 500);
  EXPECT_EQ(DrillTimeout(3'600'000, false), 300'000);
}

TEST(Receiver, LetsNoAlertSteerTheTerminal) {
  bool failed = false;
  const std::string table =
      PrintDrill(ParseJson(R"([{"integration":"a","index":0,"status":"firing","result":"final",)"
                           R"("error":"x\u001b[2J\ny\u007f\u009bä","durationSeconds":1}])")
                     .value(),
                 &failed);
  EXPECT_NE(table.find("x?[2J y??ä  \n"), std::string::npos) << table;
}

}  // namespace
}  // namespace vigil::cli
