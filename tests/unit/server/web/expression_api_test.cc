// SPDX-License-Identifier: Apache-2.0
#include "server/web/expression_api.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

std::string Tree(std::string_view query) {
  std::string out;
  JsonWriter json(&out);
  WriteExpr(**promql::ParseExpr(query, promql::ParserOptions::EverythingOn()), json);
  return out;
}

TEST(WriteExpr, ShowsLeavesAndTheirWrappers) {
  EXPECT_EQ(Tree("(1e3)"), R"({"type":"parenExpr","expr":{"type":"numberLiteral","val":"1000"}})");
  EXPECT_EQ(Tree("'a'"), R"({"type":"stringLiteral","val":"a"})");
  EXPECT_EQ(Tree("-a"),
            R"({"type":"unaryExpr","op":"-","expr":{"type":"vectorSelector","name":"a",)"
            R"("matchers":[{"name":"__name__","value":"a","type":"="}],"offset":0,)"
            R"("timestamp":null,"startOrEnd":null,"anchored":false,"smoothed":false}})");
}

TEST(WriteExpr, ShowsTimes) {
  EXPECT_EQ(Tree("a[5m] @ 1.5 offset 1m"),
            R"({"type":"matrixSelector","name":"a",)"
            R"("matchers":[{"name":"__name__","value":"a","type":"="}],"offset":60000,)"
            R"("timestamp":1500,"startOrEnd":null,"anchored":false,"smoothed":false,)"
            R"("range":300000})");
  EXPECT_EQ(Tree("vector(1)[1h:30s] @ end()"),
            R"({"type":"subquery","expr":)" + Tree("vector(1)") +
                R"(,"range":3600000,"step":30000,"offset":0,"timestamp":null,)"
                R"("startOrEnd":"end"})");
}

TEST(WriteExpr, ShowsAggregationsAndCalls) {
  EXPECT_EQ(Tree("topk by (x) (3, vector(1))"),
            R"({"type":"aggregation","op":"topk","expr":{"type":"call","func":{"name":"vector",)"
            R"("argTypes":["scalar"],"variadic":0,"returnType":"vector"},"args":[{"type":)"
            R"("numberLiteral","val":"1"}]},"param":{"type":"numberLiteral","val":"3"},)"
            R"("grouping":["x"],"without":false})");
}

TEST(WriteExpr, ShowsMatching) {
  const std::string tree = Tree("vector(1) > bool on (a) group_left (b) fill_right (2) vector(2)");
  EXPECT_NE(tree.find(R"("matching":{"card":"many-to-one","labels":["a"],"on":true,)"
                      R"("include":["b"],"fillValues":{"lhs":null,"rhs":2}},"bool":true)"),
            std::string::npos)
      << tree;
  EXPECT_NE(Tree("1 + 2").find(R"("matching":null,"bool":false)"), std::string::npos);
}

std::string Pretty(std::string_view query) {
  return promql::PrettyPrint(**promql::ParseExpr(query));
}

TEST(PrettyPrint, LeavesShortExpressionsOnTheirLine) {
  EXPECT_EQ(Pretty("sum(rate(a[5m]))by(x)/2"), "sum by (x) (rate(a[5m])) / 2");
}

TEST(PrettyPrint, TakesLongExpressionsApart) {
  const std::string a = "rate(a_long_metric_name_for_this_test_total{instance=\"one\"}[5m])";
  const std::string b = "rate(another_metric_name_for_this_test_total{instance=\"two\"}[5m])";
  EXPECT_EQ(Pretty("sum by (x) (" + a + " / on (y) group_left () " + b + ")"),
            "sum by (x) (\n    " + a + "\n  / on (y) group_left ()\n    " + b + "\n)");
  EXPECT_EQ(Pretty("clamp_max(" + a + "+" + b + ", 3)"),
            "clamp_max(\n    " + a + "\n  +\n    " + b + ",\n  3\n)");
  EXPECT_EQ(Pretty("topk(3, (" + a + "-" + b + "))"),
            "topk(\n  3,\n  (\n      " + a + "\n    -\n      " + b + "\n  )\n)");
}

}  // namespace
}  // namespace vigil::web
