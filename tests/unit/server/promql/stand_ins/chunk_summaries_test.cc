// SPDX-License-Identifier: Apache-2.0
// Chunks that are not decoded give the bits that their samples would.
#include "tests/unit/server/promql/stand_ins/rig.h"

namespace vigil::promql {
namespace {

class ChunkSummaryTest : public StandInTest {
 protected:
  // What the summaries must not tell apart: zeros of both signs, NaN, infinities, falls, numbers
  // whose sums round.
  double RandomValue(int kind, double before) {
    std::uniform_int_distribution<int> dice(0, 99);
    switch (kind) {
      case 0:  // counter
        return dice(random_) < 3 ? 0 : before + dice(random_);
      case 1: {  // anything
        constexpr std::array<double, 6> kOdd = {0.0,
                                                -0.0,
                                                std::numeric_limits<double>::infinity(),
                                                -std::numeric_limits<double>::infinity(),
                                                1e300,
                                                5e-324};
        const int roll = dice(random_);
        if (roll < 6) return kOdd[static_cast<size_t>(roll)];
        if (roll < 12) return NormalNaN();
        return std::uniform_real_distribution<double>(-5, 5)(random_);
      }
      case 2:  // mostly constant
        return dice(random_) < 2 ? 7.25 : before;
      default:  // a counter that never falls
        return before + std::uniform_real_distribution<double>(0, 1)(random_);
    }
  }

  void AddSeries(int number, bool markers) {
    std::uniform_int_distribution<int> jitter(1, 30'000);
    std::uniform_int_distribution<size_t> length(1, 200);
    SampleColumns samples;
    TimestampMs t = kOrigin;
    double value = 0;
    for (int i = 0; i < 2'000; ++i) {
      t += jitter(random_);
      value = RandomValue(number % 4, value);
      const bool marker = markers && std::uniform_int_distribution<int>(0, 400)(random_) == 0;
      samples.Add(t, marker ? StaleNaN() : value);
    }
    std::vector<size_t> cuts;
    for (size_t at = length(random_); at < samples.size(); at += length(random_)) {
      cuts.push_back(at);
    }
    cuts.push_back(samples.size());
    Add(Labels::Of({{"__name__", "x_total"}, {"n", std::to_string(number)}}), samples, cuts);
  }

  std::mt19937_64 random_{7};
};

void ExpectSameBits(const QueryResult& got, const QueryResult& want, const std::string& what) {
  ASSERT_EQ(got.series.size(), want.series.size()) << what;
  for (size_t i = 0; i < got.series.size(); ++i) {
    ASSERT_EQ(got.series[i].labels, want.series[i].labels) << what;
    for (size_t k = 0; k < got.series[i].values.size(); ++k) {
      ASSERT_TRUE(SameBits(got.series[i].values[k], want.series[i].values[k]))
          << what << " " << got.series[i].labels.ToString() << " step " << k << ": "
          << got.series[i].values[k] << " for " << want.series[i].values[k];
    }
  }
}

TEST_F(ChunkSummaryTest, RandomQueriesGiveTheSameBits) {
  for (int i = 0; i < 8; ++i) AddSeries(i, i >= 4);
  Open();
  const std::array<std::string, 11> functions = {"min_over_time",
                                                 "max_over_time",
                                                 "count_over_time",
                                                 "present_over_time",
                                                 "last_over_time",
                                                 "first_over_time",
                                                 "rate",
                                                 "increase",
                                                 "delta",
                                                 "resets",
                                                 "sum_over_time"};
  std::uniform_int_distribution<int64_t> minutes(1, 700);
  for (int i = 0; i < 300; ++i) {
    const std::string text = functions[static_cast<size_t>(i) % functions.size()] + "(x_total[" +
                             std::to_string(minutes(random_)) + "m])";
    const TimestampMs start = kOrigin + minutes(random_) * kMinute;
    const bool instant = i % 3 == 0;
    const TimestampMs end = instant ? start : start + minutes(random_) * kMinute;
    const int64_t step = instant ? 0 : minutes(random_) * kMinute;
    const QueryResult got = Run(*store_, text, start, end, step);
    const QueryResult want = Run(*plain_, text, start, end, step);
    ExpectSameBits(got, want, text + " from " + std::to_string(start));
    EXPECT_EQ(got.infos, want.infos);
    EXPECT_EQ(got.stats.total_queryable_samples, want.stats.total_queryable_samples) << text;
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(store_->Stats().summed_chunks, 1'000U);
}

TEST_F(ChunkSummaryTest, WholeChunksAreNotDecoded) {
  AddValues(Labels::Of({{"__name__", "x"}}), std::vector<double>(1'000, 3), kMinute, 100);
  std::vector<double> rising;
  for (int i = 0; i < 1'000; ++i) rising.push_back(i);
  AddValues(Labels::Of({{"__name__", "y_total"}}), rising, kMinute, 100);
  Open();
  const TimestampMs end = kOrigin + 999 * kMinute;
  // All chunks but the first, which the window cuts.
  const QueryResult max = Run(*store_, "max_over_time(y_total[950m])", end, end, 0);
  EXPECT_EQ(max.series.at(0).values[0], 999);
  EXPECT_EQ(store_->Stats().summed_chunks, 9U);
  EXPECT_LT(max.stats.samples_read, 150);
  EXPECT_EQ(max.stats.total_queryable_samples, 950);
  EXPECT_TRUE(max.infos.empty());
  Run(*store_, "increase(y_total[950m])", end, end, 0);
  EXPECT_EQ(store_->Stats().summed_chunks, 18U);
  // Every chunk is cut by some window, and sums want every sample.
  Run(*store_, "max_over_time(y_total[50m])", end - 900 * kMinute, end, kMinute);
  Run(*store_, "sum_over_time(x[950m])", end, end, 0);
  EXPECT_EQ(store_->Stats().summed_chunks, 18U);
}

TEST_F(ChunkSummaryTest, WhatOverlapsOrWasDeletedOrIsInMemoryIsDecoded) {
  std::vector<double> rising;
  for (int i = 0; i < 1'000; ++i) rising.push_back(i);
  AddValues(Labels::Of({{"__name__", "y_total"}}), rising, kMinute, 100);
  Open();
  const TimestampMs end = kOrigin + 999 * kMinute;
  storage::Tombstone tombstone;
  tombstone.id = 1;
  tombstone.series = {1};
  tombstone.span = {end - 10 * kMinute, end};
  store_->SetTombstones(std::make_shared<storage::Tombstones>(std::vector{tombstone}));
  EXPECT_EQ(Run(*store_, "max_over_time(y_total[999m])", end, end, 0).series.at(0).values[0], 988);
  store_->SetTombstones(nullptr);
  EXPECT_EQ(store_->Stats().summed_chunks, 0U);
  // A late chunk over others.
  SampleColumns late;
  late.Add(kOrigin + 50 * kMinute + 1, 5'000);
  late.Add(kOrigin + 450 * kMinute + 1, 6'000);
  std::string bytes;
  storage::ChunkRow row;
  head::EncodeChunkRow(late.timestamps, late.values, &row, &bytes);
  row.series = 1;
  ASSERT_TRUE(backend_.WriteChunks({}, std::span(&row, 1)).has_value());
  EXPECT_EQ(Run(*store_, "count_over_time(y_total[1001m])", end, end, 0).series.at(0).values[0],
            1'002);
  EXPECT_EQ(store_->Stats().summed_chunks, 0U);
}

TEST_F(ChunkSummaryTest, ABrokenChunkIsReported) {
  AddValues(Labels::Of({{"__name__", "x"}}), std::vector<double>(400, 3), kMinute, 100);
  Open();
  backend_.BreakChunk(1);
  const TimestampMs end = kOrigin + 399 * kMinute;
  const QueryResult result = Run(*store_, "count_over_time(x[400m])", end, end, 0);
  EXPECT_EQ(result.series.at(0).values[0], 300);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("are missing"), std::string::npos) << result.warnings[0];
}

}  // namespace
}  // namespace vigil::promql
