// SPDX-License-Identifier: Apache-2.0
#include "server/cli/query.h"

#include <gtest/gtest.h>

namespace vigil::cli {
namespace {

std::string Print(std::string_view json) {
  const auto text = PrintResult(ParseJson(json).value());
  return text ? *text : "error: " + text.error().message;
}

TEST(PrintResult, LooksAsPromtoolPrints) {
  EXPECT_EQ(Print(R"({"resultType":"vector","result":[
                 {"metric":{"job":"b","__name__":"up","a":"q\"x"},"value":[1700000000.5,"1"]},
                 {"metric":{},"value":[1700000000,"NaN"]},
                 {"metric":{"__name__":"up"},"value":[3,"2"]}]})"),
            "up{a=\"q\\\"x\", job=\"b\"} => 1 @[1700000000.5]\n"
            "{} => NaN @[1700000000]\n"
            "up => 2 @[3]\n");
  EXPECT_EQ(Print(R"({"resultType":"matrix","result":[
                 {"metric":{"job":"b"},"values":[[1,"1"],[2,"4"]]}]})"),
            "{job=\"b\"} =>\n1 @[1]\n4 @[2]\n");
  EXPECT_EQ(Print(R"({"resultType":"scalar","result":[1,"7"]})"), "scalar: 7 @[1]\n");
  EXPECT_EQ(Print(R"({"resultType":"string","result":[1,"seven"]})"), "seven\n");
  EXPECT_EQ(Print(R"({"resultType":"odd"})"), "error: unknown result type \"odd\"");
}

}  // namespace
}  // namespace vigil::cli
