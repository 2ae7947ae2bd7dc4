// SPDX-License-Identifier: Apache-2.0
#include "server/head/head.h"

#include <gtest/gtest.h>

#include "server/chunks/journal_page.h"

namespace vigil::head {
namespace {

using storage::AppendMode;
using storage::AppendOutcome;
using storage::SampleBatch;
using storage::SampleVerdict;

constexpr TimestampMs kNow = 1'700'000'000'000;

class HeadTest : public ::testing::Test {
 protected:
  storage::SeriesRef Series(std::string_view name) {
    return head_.Insert(next_id_++, Labels::Of({{"__name__", name}}), INT64_MIN);
  }
  AppendOutcome Append(std::vector<std::tuple<storage::SeriesRef, TimestampMs, double>> samples,
                       AppendMode mode = AppendMode::kSkipRejected) {
    SampleBatch batch;
    for (const auto& [ref, timestamp, value] : samples) batch.Add(ref, timestamp, value);
    accepted_.Clear();
    return head_.Append(batch, mode, &accepted_);
  }
  SampleColumns Read(storage::SeriesRef ref, TimestampMs start = INT64_MIN,
                     TimestampMs end = INT64_MAX) {
    SampleColumns out;
    head_.Snapshot(std::vector{ref}, start, end)->Read(0, &out);
    return out;
  }

  ManualClock clock_{kNow};
  Head head_{clock_};
  storage::SeriesId next_id_ = 100;
  storage::AcceptedSamples accepted_;
};

TEST_F(HeadTest, InsertsASeriesOnce) {
  const auto ref = Series("up");
  EXPECT_EQ(head_.Insert(7, Labels::Of({{"__name__", "up"}}), INT64_MIN), ref);
  EXPECT_EQ(head_.id(ref), 100);
  EXPECT_EQ(head_.Find(Labels::Of({{"__name__", "up"}})), ref);
  EXPECT_EQ(head_.Find(Labels::Of({{"__name__", "down"}})), 0U);
  EXPECT_EQ(head_.series_count(), 1U);
}

TEST_F(HeadTest, JudgesEverySampleOfABatch) {
  const auto a = Series("a");
  const auto b = Series("b");
  const AppendOutcome outcome = Append({{a, kNow, 1},
                                        {b, kNow, 1},
                                        {a, kNow, 1},
                                        {a, kNow, 2},
                                        {a, kNow - 1, 1},
                                        {a, kNow + 600'001, 1},
                                        {99, kNow, 1},
                                        {b, kNow + 1, 2}});
  EXPECT_EQ(outcome.accepted, 3U);
  EXPECT_EQ(outcome.duplicates_same, 1U);
  EXPECT_EQ(outcome.duplicates, 1U);
  EXPECT_EQ(outcome.out_of_order, 1U);
  EXPECT_EQ(outcome.out_of_bounds, 1U);
  EXPECT_EQ(outcome.unknown_series, 1U);
  EXPECT_EQ(outcome.first_rejected, 3U);
  EXPECT_EQ(outcome.first_reason, SampleVerdict::kDuplicate);
  EXPECT_EQ(accepted_.series, (std::vector<storage::SeriesId>{100, 101, 101}));
  EXPECT_EQ(accepted_.timestamps, (std::vector<TimestampMs>{kNow, kNow, kNow + 1}));
  EXPECT_EQ(Read(b).values, (std::vector<double>{1, 2}));
}

TEST_F(HeadTest, TakesSamplesAnHourBehindTheNewestAndNoOlder) {
  const auto a = Series("a");
  const auto b = Series("b");
  EXPECT_EQ(Append({{a, kNow, 1}}).accepted, 1U);
  EXPECT_EQ(Append({{b, kNow - 3'600'001, 1}}).out_of_bounds, 1U);
  EXPECT_EQ(Append({{b, kNow - 3'600'000, 1}}).accepted, 1U);
  // An old repetition is out of bounds too, as upstream.
  EXPECT_EQ(Append({{a, kNow + 60'000, 1}}).accepted, 1U);
  EXPECT_EQ(Append({{b, kNow - 3'600'000, 1}}).out_of_bounds, 1U);
}

TEST_F(HeadTest, AnEmptyHeadTakesAnyPast) {
  EXPECT_EQ(Append({{Series("a"), 1000, 1}}).accepted, 1U);
  EXPECT_EQ(Append({{Series("b"), -1000, 1}}).accepted, 1U);
}

TEST_F(HeadTest, WithoutALimitTakesHistories) {
  Head head(clock_, {.max_behind_ms = 0});
  const auto a = head.Insert(1, Labels::Of({{"__name__", "a"}}), INT64_MIN);
  const auto b = head.Insert(2, Labels::Of({{"__name__", "b"}}), INT64_MIN);
  SampleBatch batch;
  batch.Add(a, kNow, 1);
  batch.Add(b, 5, 1);
  batch.Add(b, 4, 1);
  const AppendOutcome outcome = head.Append(batch, AppendMode::kSkipRejected, &accepted_);
  EXPECT_EQ(outcome.accepted, 2U);
  EXPECT_EQ(outcome.out_of_order, 1U);
}

TEST_F(HeadTest, DistinguishesStalenessMarkersAndZeros) {
  const auto a = Series("a");
  EXPECT_EQ(Append({{a, kNow, StaleNaN()}, {a, kNow, StaleNaN()}}).duplicates_same, 1U);
  EXPECT_EQ(Append({{a, kNow, NormalNaN()}}).duplicates, 1U);
  EXPECT_EQ(Append({{a, kNow + 1, 0.0}, {a, kNow + 1, -0.0}}).duplicates, 1U);
  EXPECT_TRUE(IsStaleNaN(Read(a).values[0]));
}

TEST_F(HeadTest, AllOrNothingTakesNothingWhenOneIsWrong) {
  const auto a = Series("a");
  const auto b = Series("b");
  const AppendOutcome outcome = Append({{b, kNow, 1}, {a, kNow, 1}, {b, kNow, 2}, {a, kNow - 1, 1}},
                                       AppendMode::kAllOrNothing);
  EXPECT_EQ(outcome.accepted, 0U);
  EXPECT_EQ(outcome.rejected(), 2U);
  EXPECT_EQ(outcome.first_rejected, 2U);
  EXPECT_EQ(outcome.first_reason, SampleVerdict::kDuplicate);
  EXPECT_EQ(accepted_.size(), 0U);
  EXPECT_TRUE(Read(a).empty());
  EXPECT_TRUE(Read(b).empty());
}

TEST_F(HeadTest, AllOrNothingTakesRepetitionsWithinTheBatch) {
  const auto a = Series("a");
  const auto b = Series("b");
  const AppendOutcome outcome = Append({{b, kNow, 1}, {a, kNow, 1}, {b, kNow, 1}, {b, kNow + 1, 1}},
                                       AppendMode::kAllOrNothing);
  EXPECT_EQ(outcome.accepted, 3U);
  EXPECT_EQ(outcome.duplicates_same, 1U);
  EXPECT_EQ(Read(b).size(), 2U);
}

TEST_F(HeadTest, RepliesPagesInAnyOrderAndAgain) {
  const auto a = Series("a");
  const auto b = Series("b");
  const auto page = [](std::vector<int64_t> ids, std::vector<TimestampMs> times,
                       std::vector<double> values) {
    std::vector<std::string> pages;
    chunks::EncodeJournalPages(ids, times, values, &pages);
    return pages.at(0);
  };
  const std::string first = page({100, 101}, {10, 10}, {1, 10});
  const std::string second = page({100, 101, 555}, {20, 20, 20}, {2, 20, 0});
  const std::string third = page({100}, {30}, {3});
  for (const std::string& one : {third, first, second, first}) {
    EXPECT_TRUE(head_.Replay(one).has_value());
  }
  EXPECT_EQ(head_.Replay(second)->unknown_series, 1U);
  EXPECT_FALSE(head_.Replay("rubbish").has_value());
  head_.FinishReplay();
  EXPECT_EQ(Read(a).timestamps, (std::vector<TimestampMs>{10, 20, 30}));
  EXPECT_EQ(Read(a).values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(Read(b).values, (std::vector<double>{10, 20}));
  EXPECT_EQ(head_.Stats().open_samples, 5U);
  EXPECT_EQ(head_.Stats().min_time, 10);
  EXPECT_EQ(head_.Stats().max_time, 30);
}

TEST_F(HeadTest, DropsSeriesOutsideTheSpan) {
  const auto a = Series("a");
  const auto b = Series("b");
  const auto c = head_.Insert(5, Labels::Of({{"__name__", "c"}}), kNow - 50);
  Append({{a, kNow - 100, 1}, {a, kNow, 1}, {b, kNow - 200, 1}});
  const auto within = [&](TimestampMs start, TimestampMs end) {
    std::vector<storage::SeriesRef> refs = {a, b, c};
    head_.DropOutside(start, end, &refs);
    return refs;
  };
  using Refs = std::vector<storage::SeriesRef>;
  EXPECT_EQ(within(kNow - 300, kNow), (Refs{a, b, c}));
  EXPECT_EQ(within(kNow - 60, kNow), (Refs{a, c}));
  EXPECT_EQ(within(kNow - 40, kNow), (Refs{a}));
  EXPECT_EQ(within(kNow + 1, kNow + 5), (Refs{}));
}

TEST_F(HeadTest, StatsReturnToZeroWhenAllIsFlushedAndDropped) {
  const auto a = Series("a");
  for (int i = 0; i < 1000; ++i) Append({{a, kNow + i, 0.1 * i}});
  EXPECT_EQ(head_.Stats().open_samples, 1000U);
  const auto before = head_.Stats().sample_bytes;
  EXPECT_GT(before, 1000U);
  storage::ChunkRow row;
  const auto flush = [&] {
    head_.BeginGeneration();
    const auto sealed = head_.Seal();
    size_t rows = 0;
    while (sealed->Next(&row)) ++rows;
    head_.MarkFlushed();
    return rows;
  };
  EXPECT_EQ(flush(), 1U);
  EXPECT_EQ(head_.Stats().open_samples, 0U);
  EXPECT_EQ(head_.Stats().sealed_chunks, 1U);
  EXPECT_LT(head_.Stats().sample_bytes, before);
  EXPECT_EQ(Read(a).size(), 1000U);
  EXPECT_EQ(flush(), 0U);
  EXPECT_EQ(head_.Stats().sealed_chunks, 0U);
  EXPECT_EQ(head_.Stats().sample_bytes, 0U);
  EXPECT_TRUE(Read(a).empty());
  EXPECT_EQ(head_.Snapshot(std::vector{a}, 0, INT64_MAX)->StoredUntil(0), kNow + 999);
  EXPECT_EQ(Append({{a, kNow, 1}}).out_of_order, 1U);
}

TEST_F(HeadTest, ChunksDoNotCrossALeafOfTheChunkTable) {
  const auto a = Series("a");
  constexpr TimestampMs kLeaf = 6 * 3'600'000;
  for (TimestampMs t = kLeaf - 2000; t <= kLeaf + 2000; t += 1000) Append({{a, t, 1}});
  head_.BeginGeneration();
  const auto sealed = head_.Seal();
  storage::ChunkRow row;
  ASSERT_TRUE(sealed->Next(&row));
  EXPECT_EQ(row.count, 2U);
  EXPECT_EQ(row.max_time, kLeaf - 1000);
  ASSERT_TRUE(sealed->Next(&row));
  EXPECT_EQ(row.min_time, kLeaf);
  EXPECT_EQ(row.count, 3U);
  EXPECT_FALSE(sealed->Next(&row));
  EXPECT_EQ(Read(a).size(), 5U);
  sealed->Rewind();
  ASSERT_TRUE(sealed->Next(&row));
  EXPECT_EQ(row.count, 2U);
}

}  // namespace
}  // namespace vigil::head
