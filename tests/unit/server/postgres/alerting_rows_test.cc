// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/alerting_rows.h"

#include <gtest/gtest.h>

#include "client-lib/model/annotations.h"

namespace vigil::postgres {
namespace {

TEST(AlertingRows, LabelSetsBecomeArrayLiterals) {
  const auto literal = [](std::vector<LabelView> pairs) {
    return PairsLiteral(MakeAnnotations(std::move(pairs)));
  };
  EXPECT_EQ(literal({}), "{}");
  EXPECT_EQ(literal({{"a", ""}}), R"({"a",""})");
  EXPECT_EQ(literal({{"a", "b"}, {"c", "d e,{}"}}), R"({"a","b","c","d e,{}"})");
  EXPECT_EQ(literal({{"a", "say \"x\""}, {"b\\", "c"}}), R"({"a","say \"x\"","b\\","c"})");
  EXPECT_EQ(literal({{"a", "b"}, {"grün", "ü"}}), R"({"a","b","grün","ü"})");
  EXPECT_EQ(literal({{"a", std::string_view("x\0y", 3)}}), "{\"a\",\"x\xEF\xBF\xBDy\"}");
  EXPECT_EQ(literal({{"a", "x\xC3y"}}), "{\"a\",\"x\xEF\xBF\xBDy\"}");
  const std::string_view quotes = R"("""")";
  EXPECT_EQ(literal({{quotes, quotes}}), R"({"\"\"\"\"","\"\"\"\""})");
  // Every character but the last is plain.
  const std::string text(1'000, 'x');
  EXPECT_EQ(literal({{"a", text + "\\"}}), "{\"a\",\"" + text + "\\\\\"}");
}

}  // namespace
}  // namespace vigil::postgres
