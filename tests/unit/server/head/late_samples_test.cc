// SPDX-License-Identifier: Apache-2.0
// The out-of-order window, and native histograms beside floats.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "server/chunks/histogram_record.h"
#include "server/head/head.h"
#include "tests/support/sample_histograms.h"

namespace vigil::head {
namespace {

using storage::AppendMode;
using storage::AppendOutcome;
using storage::SampleBatch;
using storage::SampleVerdict;

constexpr TimestampMs kLateNow = 1'700'000'000'000;
constexpr int64_t kMinute = 60'000;
using Times = std::vector<TimestampMs>;
using Values = std::vector<double>;

class LateSamples : public ::testing::Test {
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
  AppendOutcome Append(storage::SeriesRef ref, const std::vector<HistogramSample>& samples,
                       AppendMode mode = AppendMode::kSkipRejected) {
    SampleBatch batch;
    for (const HistogramSample& sample : samples)
      batch.Add(ref, sample.timestamp, sample.histogram);
    accepted_.Clear();
    return head_.Append(batch, mode, &accepted_);
  }
  SampleColumns Read(storage::SeriesRef ref, TimestampMs start = INT64_MIN,
                     TimestampMs end = INT64_MAX) {
    SampleColumns out;
    head_.Snapshot(std::vector{ref}, start, end)->Read(0, &out);
    return out;
  }
  std::vector<storage::ChunkRow> Flush() {
    head_.BeginGeneration();
    const auto sealed = head_.Seal();
    std::vector<storage::ChunkRow> rows;
    storage::ChunkRow row;
    while (sealed->Next(&row)) {
      data_.push_back(std::string(row.data));
      rows.push_back(row);
      rows.back().data = data_.back();
    }
    head_.MarkFlushed();
    return rows;
  }
  static HistogramSample At(TimestampMs timestamp, double sum) {
    auto histogram =
        std::make_shared<Histogram>(*vigil::testing::MakeHistograms(1, true, 7)[0].histogram);
    histogram->sum = sum;
    return {timestamp, histogram};
  }
  static Times TimesOf(const SampleColumns& columns) {
    Times times;
    for (const HistogramSample& sample : columns.histograms) times.push_back(sample.timestamp);
    return times;
  }

  ManualClock clock_{kLateNow};
  Head head_{clock_, {.out_of_order_window_ms = 30 * kMinute}};
  storage::SeriesId next_id_ = 1;
  storage::AcceptedSamples accepted_;
  std::list<std::string> data_;
};

TEST_F(LateSamples, AreTakenWithinTheWindow) {
  const auto a = Series("a");
  Append({{a, kLateNow, 9}});
  const AppendOutcome outcome = Append({{a, kLateNow - 30 * kMinute, 1},
                                        {a, kLateNow - 30 * kMinute - 1, 0},
                                        {a, kLateNow - 10 * kMinute, 3},
                                        {a, kLateNow - 20 * kMinute, 2},
                                        {a, kLateNow + 1, 10}});
  EXPECT_EQ(outcome.accepted, 4U);
  EXPECT_EQ(outcome.accepted_late, 3U);
  EXPECT_EQ(outcome.too_old, 1U);
  EXPECT_EQ(outcome.first_reason, SampleVerdict::kTooOld);
  EXPECT_EQ(storage::SampleVerdictText(outcome.first_reason), "too old sample");
  EXPECT_EQ(Read(a).values, (Values{1, 2, 3, 9, 10}));
  EXPECT_EQ(Read(a, kLateNow - 20 * kMinute, kLateNow).values, (Values{2, 3, 9}));
  EXPECT_EQ(accepted_.timestamps.size(), 4U);
}

TEST_F(LateSamples, AreRefusedWithoutAWindow) {
  const auto a = Series("a");
  Append({{a, kLateNow, 1}});
  head_.SetOutOfOrderWindow(0);
  EXPECT_EQ(Append({{a, kLateNow - 1, 1}}).out_of_order, 1U);
  EXPECT_EQ(Append({{a, kLateNow - 61 * kMinute, 1}}).out_of_bounds, 1U);
  head_.SetOutOfOrderWindow(2 * 60 * kMinute);
  EXPECT_EQ(Append({{a, kLateNow - 61 * kMinute, 1}}).accepted_late, 1U);
  // Further behind the head than the limit, but the newest of its series.
  EXPECT_EQ(Append({{Series("b"), kLateNow - 90 * kMinute, 1}}).accepted, 1U);
}

TEST_F(LateSamples, OfTwoAtOneTimeTheFirstStays) {
  const auto a = Series("a");
  Append({{a, kLateNow - 2000, 1}, {a, kLateNow, 2}});
  Append({{a, kLateNow - 1000, 7}});
  // Known in the open stream and beside it.
  EXPECT_EQ(Append({{a, kLateNow - 2000, 5}, {a, kLateNow - 1000, 5}}).duplicates, 2U);
  EXPECT_EQ(Append({{a, kLateNow - 2000, 1}, {a, kLateNow - 1000, 7}}).duplicates_same, 2U);
  Flush();
  // And what a flush has taken, as long as memory has it.
  EXPECT_EQ(Append({{a, kLateNow - 2000, 5}, {a, kLateNow - 1000, 5}}).duplicates, 2U);
  EXPECT_EQ(Read(a).values, (Values{1, 7, 2}));
}

TEST_F(LateSamples, AllOrNothingSeesWhatTheBatchItselfBrings) {
  const auto a = Series("a");
  Append({{a, kLateNow, 9}});
  AppendOutcome outcome =
      Append({{a, kLateNow - 1000, 1}, {a, kLateNow - 1000, 2}}, AppendMode::kAllOrNothing);
  EXPECT_EQ(outcome.duplicates, 1U);
  EXPECT_EQ(Read(a).size(), 1U);
  outcome = Append(
      {{a, kLateNow - 1000, 1}, {a, kLateNow - 2000, 0}, {a, kLateNow - 1000, 1}, {a, kLateNow, 9}},
      AppendMode::kAllOrNothing);
  EXPECT_EQ(outcome.accepted, 2U);
  EXPECT_EQ(outcome.duplicates_same, 2U);
  EXPECT_EQ(Read(a).values, (Values{0, 1, 9}));
}

TEST_F(LateSamples, GoIntoTheLeafOfTheirOwnTime) {
  constexpr TimestampMs kLeaf = 6 * 3'600'000;
  const TimestampMs boundary = kLateNow / kLeaf * kLeaf;
  clock_.Advance(boundary + kMinute - kLateNow);
  const auto a = Series("a");
  Append({{a, boundary + 1000, 3}, {a, boundary + 2000, 4}});
  Append({{a, boundary - 1000, 2}, {a, boundary - 2000, 1}, {a, boundary + 1500, 3.5}});
  const auto rows = Flush();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].min_time, boundary - 2000);
  EXPECT_EQ(rows[0].max_time, boundary - 1000);
  EXPECT_EQ(rows[1].min_time, boundary + 1000);
  EXPECT_EQ(rows[1].count, 3U);
  EXPECT_EQ(Read(a).values, (Values{1, 2, 3, 3.5, 4}));
}

TEST_F(LateSamples, OverlapWhatWasFlushedBefore) {
  const auto a = Series("a");
  for (int i = 0; i < 5; ++i) Append({{a, kLateNow + i * 1000, i}});
  EXPECT_EQ(Flush().size(), 1U);
  Append({{a, kLateNow + 2500, 2.5}, {a, kLateNow + 9000, 9}});
  EXPECT_EQ(Read(a).values, (Values{0, 1, 2, 2.5, 3, 4, 9}));
  const auto rows = Flush();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].min_time, kLateNow + 2500);
  // The first flush has left memory: the rest goes on, and up to its end the database is asked.
  EXPECT_EQ(Read(a).values, (Values{2.5, 9}));
  EXPECT_EQ(head_.Snapshot(std::vector{a}, 0, INT64_MAX)->StoredUntil(0), kLateNow + 4000);
  Flush();
  EXPECT_EQ(head_.Stats().sample_bytes, 0U);
  EXPECT_EQ(head_.Stats().open_samples, 0U);
  EXPECT_EQ(head_.Snapshot(std::vector{a}, 0, INT64_MAX)->StoredUntil(0), kLateNow + 9000);
}

TEST_F(LateSamples, ManyAreSealedAndStayInOrderWhileAFlushRuns) {
  const auto a = Series("a");
  Append({{a, kLateNow, 0}});
  head_.BeginGeneration();
  const auto sealed = head_.Seal();
  // Sealed into the generation after the one that is being flushed.
  for (int i = 1; i <= 1500; ++i) Append({{a, kLateNow - i, i}});
  storage::ChunkRow row;
  ASSERT_TRUE(sealed->Next(&row));
  EXPECT_EQ(row.count, 1U);
  EXPECT_FALSE(sealed->Next(&row));
  head_.MarkFlushed();
  const SampleColumns all = Read(a);
  ASSERT_EQ(all.size(), 1501U);
  EXPECT_TRUE(std::is_sorted(all.timestamps.begin(), all.timestamps.end()));
  EXPECT_EQ(head_.Stats().open_samples, 1500U);
  const auto rows = Flush();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].count, 1500U);
  Flush();
  EXPECT_EQ(head_.Stats().sample_bytes, 0U);
}

TEST_F(LateSamples, SurviveAReplay) {
  const auto a = Series("a");
  Append({{a, kLateNow, 9},
          {a, kLateNow - 1000, 8},
          {a, kLateNow + 1000, 10},
          {a, kLateNow - 2000, 7}});
  std::vector<std::string> pages;
  head_.EncodePages(accepted_, &pages);
  Head again(clock_);
  const auto ref = again.Insert(1, Labels::Of({{"__name__", "a"}}), kLateNow - 500);
  for (const std::string& page : pages) ASSERT_TRUE(again.Replay(page).has_value());
  again.FinishReplay();
  SampleColumns out;
  const auto snapshot = again.Snapshot(std::vector{ref}, INT64_MIN, INT64_MAX);
  snapshot->Read(0, &out);
  EXPECT_EQ(out.values, (Values{7, 8, 9, 10}));
  // Late samples do not say where the chunks end.
  EXPECT_EQ(snapshot->StoredUntil(0), kLateNow - 500);
}

TEST_F(LateSamples, SeriesAreFoundByThem) {
  const auto a = Series("a");
  Append({{a, kLateNow, 1}, {a, kLateNow - 20 * kMinute, 0}});
  std::vector<storage::SeriesRef> refs = {a};
  head_.DropOutside(kLateNow - 25 * kMinute, kLateNow - 15 * kMinute, &refs);
  EXPECT_EQ(refs.size(), 1U);
  EXPECT_TRUE(
      head_.Snapshot(std::vector{a}, kLateNow - 25 * kMinute, kLateNow - 15 * kMinute)->Has(0));
  EXPECT_EQ(head_.Stats().min_time, kLateNow - 20 * kMinute);
}

TEST_F(LateSamples, HistogramsAreJudgedAsFloats) {
  const auto h = Series("h");
  EXPECT_EQ(Append(h, {At(kLateNow, 1), At(kLateNow, 1), At(kLateNow, 2)}).duplicates, 1U);
  AppendOutcome outcome =
      Append(h, {At(kLateNow + 1000, 3), At(kLateNow - 1000, 0), At(kLateNow - 31 * kMinute, 0)});
  EXPECT_EQ(outcome.accepted, 2U);
  EXPECT_EQ(outcome.accepted_histograms, 2U);
  EXPECT_EQ(outcome.accepted_late, 1U);
  EXPECT_EQ(outcome.too_old, 1U);
  EXPECT_EQ(outcome.first_rejected, 2U);
  auto broken = std::make_shared<Histogram>();
  broken->positive_spans = {{0, 2}};
  EXPECT_EQ(Append(h, {{kLateNow + 2000, broken}}).broken_histograms, 1U);
  EXPECT_EQ(TimesOf(Read(h)), (Times{kLateNow - 1000, kLateNow, kLateNow + 1000}));
  EXPECT_EQ(accepted_.histograms.size(), 0U);
}

TEST_F(LateSamples, AFloatAndAHistogramDoNotShareATime) {
  const auto h = Series("h");
  Append(h, {At(kLateNow, 1)});
  EXPECT_EQ(Append({{h, kLateNow, 1}}).duplicates, 1U);
  EXPECT_EQ(Append({{h, kLateNow + 1000, StaleNaN()}}).accepted, 1U);
  EXPECT_EQ(Append(h, {At(kLateNow + 1000, 2)}).duplicates, 1U);
  EXPECT_EQ(Append(h, {At(kLateNow + 500, 2)}).accepted_late, 1U);
  EXPECT_EQ(Append({{h, kLateNow + 500, 2}}).duplicates, 1U);
  SampleBatch batch;
  batch.Add(h, kLateNow + 5000, 1.0);
  batch.Add(h, kLateNow + 5000, At(0, 1).histogram);
  const AppendOutcome outcome = head_.Append(batch, AppendMode::kAllOrNothing, &accepted_);
  EXPECT_EQ(outcome.duplicates, 1U);
  EXPECT_EQ(outcome.accepted, 0U);
  EXPECT_EQ(TimesOf(Read(h)), (Times{kLateNow, kLateNow + 500}));
}

TEST_F(LateSamples, HistogramsAreFlushedReadBackAndDropped) {
  const auto h = Series("h");
  const auto made = vigil::testing::MakeHistograms(40, false, 3);
  std::vector<HistogramSample> samples;
  for (size_t i = 0; i < made.size(); ++i) {
    samples.push_back({kLateNow + static_cast<TimestampMs>(i) * 1000, made[i].histogram});
  }
  Append(h, samples);
  Append({{h, kLateNow + 60'000, StaleNaN()}});
  const auto expect = [&](const SampleColumns& columns) {
    ASSERT_EQ(columns.histograms.size(), samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_EQ(columns.histograms[i].timestamp, samples[i].timestamp);
      EXPECT_TRUE(chunks::SameHistogram(*columns.histograms[i].histogram, *samples[i].histogram));
    }
    EXPECT_EQ(columns.timestamps, (Times{kLateNow + 60'000}));
  };
  expect(Read(h));
  const auto rows = Flush();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].count, 40U);
  expect(Read(h));
  SampleColumns decoded;
  for (const auto& row : rows) {
    ASSERT_TRUE(head_.DecodeChunk(row, INT64_MIN, INT64_MAX, &decoded).has_value());
  }
  expect(decoded);
  EXPECT_EQ(head_.Stats().idle_series, 0U);
  Flush();
  EXPECT_EQ(head_.Stats().sample_bytes, 0U);
  EXPECT_EQ(head_.Stats().sealed_chunks, 0U);
  EXPECT_EQ(head_.Stats().idle_series, 1U);
  // It goes on as before.
  EXPECT_EQ(Append(h, {At(kLateNow + 70'000, 5)}).accepted, 1U);
  EXPECT_EQ(TimesOf(Read(h)), (Times{kLateNow + 70'000}));
}

TEST_F(LateSamples, HistogramsSurviveAReplay) {
  const auto h = Series("h");
  Append(h, {At(kLateNow, 1), At(kLateNow + 1000, 2), At(kLateNow - 1000, 0)});
  std::vector<std::string> pages;
  head_.EncodePages(accepted_, &pages);
  Head again(clock_);
  const auto ref = again.Insert(1, Labels::Of({{"__name__", "h"}}), INT64_MIN);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& page : pages) ASSERT_TRUE(again.Replay(page).has_value());
  }
  again.FinishReplay();
  SampleColumns out;
  again.Snapshot(std::vector{ref}, INT64_MIN, INT64_MAX)->Read(0, &out);
  EXPECT_EQ(TimesOf(out), (Times{kLateNow - 1000, kLateNow, kLateNow + 1000}));
  EXPECT_EQ(again.Stats().open_samples, 3U);
}

}  // namespace
}  // namespace vigil::head
