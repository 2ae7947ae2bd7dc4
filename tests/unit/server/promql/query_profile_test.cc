// SPDX-License-Identifier: Apache-2.0
#include "server/promql/query_profile.h"

#include <gtest/gtest.h>

#include <atomic>

#include "server/promql/engine.h"
#include "tests/support/memory_storage.h"

namespace vigil::promql {
namespace {

// Some time passes with every look.
class TickingClock : public Clock {
 public:
  int64_t tick_ns = 1000;
  [[nodiscard]] TimestampMs Now() const override { return 0; }
  [[nodiscard]] int64_t MonotonicNs() const override { return ns_ += tick_ns; }

 private:
  mutable std::atomic<int64_t> ns_{0};
};

class QueryProfileTest : public testing::Test {
 protected:
  QueryProfileTest() {
    options_.parser = ParserOptions::EverythingOn();
    options_.clock = &clock_;
    for (const char* job : {"a", "b", "c"}) {
      const Labels labels = ParseMetric("m{job=\"" + std::string(job) + "\"}").value();
      for (int i = 0; i <= 20; ++i) store_.Add(labels, i * 30'000, i);
    }
  }

  // The root of the expression, profiled over five steps.
  const Expr& Run(const std::string& text) {
    expr_ = ParseExpr(text, options_.parser).value();
    QueryRequest request;
    request.text = text;
    request.start = 300'000;
    request.end = 540'000;
    request.step_ms = 60'000;
    request.profile = &profile_;
    const auto result = Engine(options_).Execute(store_, *expr_, request);
    EXPECT_TRUE(result.has_value());
    if (result) stats_ = result->stats;
    return *expr_;
  }

  tests::MemoryStorage store_;
  TickingClock clock_;
  EngineOptions options_;
  ExprPtr expr_;
  QueryProfile profile_;
  QueryStats stats_;
};

TEST_F(QueryProfileTest, ChargesEachNodeWithItsOwn) {
  const auto& sum = static_cast<const AggregateExpr&>(Run("sum(rate(m[2m]))"));
  const auto& rate = static_cast<const Call&>(*sum.operand);
  const auto& matrix = static_cast<const MatrixSelector&>(*rate.args[0]);
  const NodeCost of_sum = profile_.cost(sum);
  EXPECT_EQ(of_sum.output_series, 1);
  EXPECT_EQ(of_sum.steps, 5);
  EXPECT_EQ(of_sum.samples, 0);
  EXPECT_EQ(profile_.cost(rate).output_series, 3);
  EXPECT_EQ(profile_.cost(rate).evaluations, 1);
  const NodeCost of_selector = profile_.cost(*matrix.selector);
  EXPECT_EQ(of_selector.series, 3);
  EXPECT_EQ(of_selector.samples, stats_.samples_read);
  EXPECT_GT(of_selector.samples, 0);
  for (const NodeCost& cost : {of_sum, profile_.cost(rate), of_selector}) EXPECT_GT(cost.ns, 0);
  const NodeCost all = profile_.total(sum);
  EXPECT_EQ(all.samples, stats_.samples_read);
  EXPECT_EQ(all.ns, of_sum.ns + profile_.cost(rate).ns + of_selector.ns);
  // All time of the evaluation is somebody's, but for the looks at the clock around it.
  EXPECT_LE(all.ns, static_cast<int64_t>(stats_.inner_eval_s * 1e9));
  EXPECT_GE(all.ns, static_cast<int64_t>(stats_.inner_eval_s * 1e9) - 5000);
}

TEST_F(QueryProfileTest, KnowsWhatIsEvaluatedOnce) {
  const auto& sum = static_cast<const BinaryExpr&>(Run("m + (m @ 300)"));
  EXPECT_FALSE(profile_.cost(*sum.lhs).once);
  const NodeCost pinned = profile_.cost(*sum.rhs);
  EXPECT_TRUE(pinned.once);
  EXPECT_EQ(pinned.evaluations, 1);
  EXPECT_EQ(pinned.steps, 1);
  EXPECT_EQ(pinned.output_series, 3);
}

TEST_F(QueryProfileTest, ChargesTheFunctionForItsWorkOnASubquery) {
  const auto& call = static_cast<const Call&>(Run("max_over_time(sum(m)[2m:30s])"));
  const auto& subquery = static_cast<const SubqueryExpr&>(*call.args[0]);
  EXPECT_EQ(profile_.cost(subquery).evaluations, 1);
  EXPECT_EQ(profile_.cost(*subquery.inner).output_series, 1);
  EXPECT_GT(profile_.cost(*subquery.inner).steps, 5);
  EXPECT_GT(profile_.cost(call).ns, 0);
  EXPECT_EQ(profile_.total(call).series, 3);
}

// One series of so many windows that it does not do to ask between series only.
TEST_F(QueryProfileTest, EndsInTheMiddleOfASeries) {
  const Labels labels = ParseMetric("long").value();
  for (int i = 0; i < 20'000; ++i) store_.Add(labels, i * 1000, i % 7);
  QueryRequest request;
  request.text = "quantile_over_time(0.5, long[5000s])";
  request.start = 10'000'000;
  request.end = 19'000'000;
  request.step_ms = 10'000;
  // After a hundred looks at the clock: one every few windows is more than that.
  clock_.tick_ns = 10'000'000;
  options_.timeout_ms = 1000;
  const auto result = Engine(options_).Execute(store_, request);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(result.error().message, "query timed out in expression evaluation");
}

}  // namespace
}  // namespace vigil::promql
