// SPDX-License-Identifier: Apache-2.0
#include "server/promql/parser.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "client-lib/model/labels.h"
#include "server/promql/function_table.h"

namespace vigil::promql {
namespace {

ExprPtr MustParse(std::string_view text) {
  Result<ExprPtr> expr = ParseExpr(text, ParserOptions::EverythingOn());
  EXPECT_TRUE(expr.has_value()) << text << ": " << expr.error().message;
  return expr ? std::move(*expr) : nullptr;
}

std::string FailureOf(std::string_view text) {
  const Result<ExprPtr> expr = ParseExpr(text, ParserOptions::EverythingOn());
  return expr ? "parses" : expr.error().message;
}

template <typename T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}

std::string Source(std::string_view text, const Expr& expr) {
  return std::string(text.substr(expr.pos.begin, expr.pos.end - expr.pos.begin));
}

TEST(Parser, CountsLinesAndColumns) {
  EXPECT_EQ(FailureOf("foo +\n  bar baz"), "2:7: parse error: unexpected identifier \"baz\"");
  EXPECT_EQ(FailureOf("# first\n\n1 +"), "3:4: parse error: unexpected end of input");
  EXPECT_EQ(FailureOf("  "), "1:1: parse error: no expression found in input");
  EXPECT_EQ(FailureOf("# nothing\n"), "1:1: parse error: no expression found in input");
  EXPECT_EQ(FailureOf(""), "unknown position: parse error: no expression found in input");
}

TEST(Parser, ErrorsAreBadData) {
  const Result<ExprPtr> expr = ParseExpr("1 +");
  ASSERT_FALSE(expr.has_value());
  EXPECT_EQ(expr.error().kind, ErrorKind::kBadData);
}

TEST(Parser, KeepsPositionsOfEveryNode) {
  const std::string text = "sum by (a) (rate(foo{b=\"c\"}[5m] offset 1m)) / -(bar @ 5 + 1)";
  const ExprPtr expr = MustParse(text);
  const auto& division = As<BinaryExpr>(*expr);
  EXPECT_EQ(Source(text, division), text);
  const auto& sum = As<AggregateExpr>(*division.lhs);
  EXPECT_EQ(Source(text, sum), "sum by (a) (rate(foo{b=\"c\"}[5m] offset 1m))");
  const auto& rate = As<Call>(*sum.operand);
  EXPECT_EQ(Source(text, rate), "rate(foo{b=\"c\"}[5m] offset 1m)");
  const auto& matrix = As<MatrixSelector>(*rate.args[0]);
  EXPECT_EQ(Source(text, matrix), "foo{b=\"c\"}[5m] offset 1m");
  EXPECT_EQ(Source(text, *matrix.selector), "foo{b=\"c\"}");
  EXPECT_EQ(matrix.selector->time.offset_ms, 60'000);
  const auto& minus = As<UnaryExpr>(*division.rhs);
  EXPECT_EQ(Source(text, minus), "-(bar @ 5 + 1)");
  const auto& plus = As<BinaryExpr>(*As<ParenExpr>(*minus.operand).inner);
  EXPECT_EQ(Source(text, *plus.lhs), "bar @ 5");
  EXPECT_EQ(As<VectorSelector>(*plus.lhs).time.at_ms, 5000);
}

TEST(Parser, PutsTheNameMatcherLast) {
  const ExprPtr expr = MustParse("foo{a=\"b\"}");
  const auto& selector = As<VectorSelector>(*expr);
  ASSERT_EQ(selector.matchers.size(), 2U);
  EXPECT_EQ(selector.matchers[1].ToString(), "__name__=\"foo\"");
}

TEST(Parser, ResolvesPlainDurationsOnly) {
  const ExprPtr plain = MustParse("foo[1h30m:90s] offset -5m");
  const auto& subquery = As<SubqueryExpr>(*plain);
  EXPECT_EQ(subquery.range_ms, 5'400'000);
  EXPECT_EQ(subquery.step_ms, 90'000);
  EXPECT_EQ(subquery.time.offset_ms, -300'000);
  EXPECT_EQ(subquery.range_expr, nullptr);
  const ExprPtr computed = MustParse("foo[5m*2]");
  const auto& matrix = As<MatrixSelector>(*computed);
  EXPECT_EQ(matrix.range_ms, 0);
  ASSERT_NE(matrix.range_expr, nullptr);
  EXPECT_EQ(matrix.range_expr->op, DurationExpr::Op::kMul);
}

TEST(Parser, DropsMatchingBesideAScalar) {
  EXPECT_FALSE(As<BinaryExpr>(*MustParse("foo + 1")).matching.has_value());
  EXPECT_FALSE(As<BinaryExpr>(*MustParse("1 + 1")).matching.has_value());
  EXPECT_TRUE(As<BinaryExpr>(*MustParse("foo + bar")).matching.has_value());
  EXPECT_EQ(As<BinaryExpr>(*MustParse("foo and bar")).matching->cardinality,
            MatchCardinality::kManyToMany);
}

TEST(Parser, KnowsTypes) {
  EXPECT_EQ(MustParse("1 + 1")->type, ValueType::kScalar);
  EXPECT_EQ(MustParse("1 + foo")->type, ValueType::kVector);
  EXPECT_EQ(MustParse("(foo[5m])")->type, ValueType::kMatrix);
  EXPECT_EQ(MustParse("-foo")->type, ValueType::kVector);
  EXPECT_EQ(MustParse("time()")->type, ValueType::kScalar);
  EXPECT_EQ(MustParse("\"a\"")->type, ValueType::kString);
}

TEST(Parser, RefusesDeepNesting) {
  const size_t deep = 200'000;
  const std::string message = "expression is nested more than 1000 levels deep";
  const auto deep_error = [&](const std::string& text) {
    EXPECT_NE(FailureOf(text).find(message), std::string::npos) << text.substr(0, 20);
  };
  deep_error(std::string(deep, '('));
  deep_error(std::string(deep, '-') + "foo");
  std::string sum = "1";
  std::string power = "1";
  std::string range = "foo[1";
  std::string subqueries = "foo";
  std::string calls;
  for (size_t i = 0; i < deep; ++i) {
    sum += "+1";
    power += "^1";
    range += "+1";
    subqueries += "[5m:]";
    calls += "abs(";
  }
  deep_error(sum);
  deep_error(power);
  deep_error(range + "]");
  deep_error(subqueries);
  deep_error(calls);
}

TEST(Parser, TakesNestingUpToTheLimit) {
  const std::string open(990, '(');
  const std::string close(990, ')');
  EXPECT_EQ(Print(*MustParse(open + "foo" + close)), open + "foo" + close);
}

TEST(Parser, TakesEveryNameOfTheFunctionTable) {
  for (const FunctionRow* row : AllFunctions()) {
    std::string text = std::string(row->name) + "(";
    for (size_t i = 0; i < row->arg_count(); ++i) {
      if (i > 0) text += ", ";
      switch (row->args[i]) {
        case ValueType::kMatrix:
          text += "foo[5m]";
          break;
        case ValueType::kVector:
          text += row->name == "info" && i == 1 ? "{a=\"b\"}" : "foo";
          break;
        case ValueType::kString:
          text += "\"a\"";
          break;
        default:
          text += "1";
      }
    }
    text += ")";
    const ExprPtr expr = MustParse(text);
    ASSERT_NE(expr, nullptr);
    EXPECT_EQ(Print(*expr), text);
  }
}

TEST(ParseMetricSelector, GivesTheMatchers) {
  const auto matchers = ParseMetricSelector("up{job=~\"a.*\", instance!=\"b\"}");
  ASSERT_TRUE(matchers.has_value());
  ASSERT_EQ(matchers->size(), 3U);
  EXPECT_EQ((*matchers)[0].ToString(), "job=~\"a.*\"");
  EXPECT_EQ((*matchers)[2].ToString(), "__name__=\"up\"");
}

TEST(ParseMetricSelector, RefusesWhatIsNoSelector) {
  for (const std::string_view text : {"", "up[5m]", "up offset 5m", "1", "sum(up)", "up or up"}) {
    EXPECT_FALSE(ParseMetricSelector(text).has_value()) << text;
  }
  EXPECT_EQ(ParseMetricSelector("up[5m]").error().message, "1:3: parse error: unexpected \"[\"");
}

TEST(ParseMetric, GivesTheLabels) {
  const auto labels = ParseMetric("up{job=\"a\", \"x.y\"='b\\n'}");
  ASSERT_TRUE(labels.has_value());
  EXPECT_EQ(*labels, Labels::Of({{"__name__", "up"}, {"job", "a"}, {"x.y", "b\n"}}));
  EXPECT_EQ(*ParseMetric("{\"x.y\", a=\"b\"}"), Labels::Of({{"__name__", "x.y"}, {"a", "b"}}));
  EXPECT_EQ(*ParseMetric("sum"), Labels::Of({{"__name__", "sum"}}));
  EXPECT_EQ(*ParseMetric("{}"), Labels());
}

TEST(ParseMetric, RefusesMatchers) {
  EXPECT_EQ(ParseMetric("up{a!=\"b\"}").error().message,
            "1:5: parse error: unexpected <op:!=> in label set, expected \"=\"");
  EXPECT_EQ(ParseMetric("up{a=1}").error().message,
            "1:6: parse error: unexpected character inside braces: '1'");
}

TEST(PositionText, SaysLineAndColumn) {
  EXPECT_EQ(PositionText("ab\ncd", 0), "1:1");
  EXPECT_EQ(PositionText("ab\ncd", 4), "2:2");
  EXPECT_EQ(PositionText("ab", 2), "1:3");
  EXPECT_EQ(PositionText("ab", 3), "invalid position");
  EXPECT_EQ(PositionText("", 0), "unknown position");
}

}  // namespace
}  // namespace vigil::promql
