// SPDX-License-Identifier: Apache-2.0
#include "server/promql/active_queries.h"

#include <gtest/gtest.h>

namespace vigil::promql {
namespace {

QueryOrigin Of(std::string text) {
  QueryOrigin origin;
  origin.text = std::move(text);
  return origin;
}

TEST(ActiveQueries, ListsWhatRunsWithItsCost) {
  ManualClock clock(5000);
  std::stop_source stop;
  ActiveQueries active(clock, stop.get_token());
  EXPECT_TRUE(active.List().empty());
  auto first = active.Enter(Of("up"));
  clock.Advance(1500);
  {
    auto second = active.Enter(Of("down"));
    second.Start();
    second.progress().series = 3;
    second.progress().samples = 40;
    second.progress().chunks_in_memory = 2;
    second.progress().chunks_in_database = 1;
    second.progress().helper_cpu_ns = 2'000'000'000;
    const std::vector<ActiveQuery> list = active.List();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].origin.text, "up");
    EXPECT_EQ(list[0].began, 5000);
    EXPECT_EQ(list[0].age_s, 1.5);
    EXPECT_EQ(list[0].state, QueryState::kQueued);
    EXPECT_EQ(list[1].state, QueryState::kRunning);
    EXPECT_EQ(active.expressions(), 2U);
    second.BeginSending();
    EXPECT_EQ(active.List()[1].state, QueryState::kSending);
    EXPECT_EQ(active.expressions(), 1U) << "nothing is left to evaluate";
    EXPECT_EQ(list[1].series, 3);
    EXPECT_EQ(list[1].samples, 40);
    EXPECT_EQ(list[1].chunks_in_memory, 2);
    EXPECT_EQ(list[1].chunks_in_database, 1);
    EXPECT_GE(list[1].cpu_s, 2);
    EXPECT_NE(list[0].id, list[1].id);
  }
  ASSERT_EQ(active.List().size(), 1u);
  EXPECT_EQ(active.List()[0].origin.text, "up");
}

TEST(ActiveQueries, OtherRequestsAreListedAndNotCountedAsExpressions) {
  ActiveQueries active(Clock::System(), {});
  QueryOrigin origin;
  origin.kind = QueryKind::kRemoteRead;
  auto read = active.Enter(std::move(origin));
  read.Describe("{job=\"x\"}");
  ASSERT_EQ(active.List().size(), 1U);
  EXPECT_EQ(active.List()[0].origin.text, "{job=\"x\"}");
  EXPECT_EQ(QueryKindName(active.List()[0].origin.kind), "remote_read");
  EXPECT_EQ(active.expressions(), 0U);
}

TEST(ActiveQueries, LongTextsAreCutBetweenCharacters) {
  ActiveQueries active(Clock::System(), {});
  const auto entry =
      active.Enter(Of(std::string(QueryOrigin::kMaxText - 1, 'x') + "\u20ac and on"));
  EXPECT_EQ(active.List()[0].origin.text, std::string(QueryOrigin::kMaxText - 1, 'x') + "...");
}

TEST(ActiveQueries, CancelsOneAndAtTheEndAll) {
  std::stop_source stop;
  ActiveQueries active(Clock::System(), stop.get_token());
  auto one = active.Enter(Of("one"));
  auto other = active.Enter(Of("other"));
  EXPECT_TRUE(active.Cancel(active.List()[0].id));
  EXPECT_TRUE(one.stop().stop_requested());
  EXPECT_TRUE(active.List()[0].canceled);
  EXPECT_FALSE(other.stop().stop_requested());
  EXPECT_FALSE(active.Cancel(12345));
  stop.request_stop();
  EXPECT_TRUE(other.stop().stop_requested());
  auto late = active.Enter(Of("late"));
  EXPECT_TRUE(late.stop().stop_requested());
}

}  // namespace
}  // namespace vigil::promql
