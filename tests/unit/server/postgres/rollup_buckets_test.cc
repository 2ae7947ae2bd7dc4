// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

namespace vigil::postgres {
namespace {

using Column = std::vector<double>;

TEST(RollupBuckets, SumUpByWidth) {
  SampleColumns samples;
  samples.Add(0, 4);  // on the border: of the bucket that ends there
  samples.Add(1, 5);
  samples.Add(30, 9);
  samples.Add(100, 2);  // a reset
  samples.Add(101, StaleNaN());
  samples.Add(350, 7);
  RollupBuckets buckets;
  buckets.Add(samples, 100);
  EXPECT_EQ(buckets.times, (std::vector<TimestampMs>{-100, 0, 300}));
  EXPECT_EQ(buckets.values[RollupBuckets::kCount], (Column{1, 3, 1}));
  EXPECT_EQ(buckets.values[RollupBuckets::kSum], (Column{4, 16, 7}));
  EXPECT_EQ(buckets.values[RollupBuckets::kMin], (Column{4, 2, 7}));
  EXPECT_EQ(buckets.values[RollupBuckets::kMax], (Column{4, 9, 7}));
  EXPECT_EQ(buckets.values[RollupBuckets::kFirst], (Column{4, 5, 7}));
  EXPECT_EQ(buckets.values[RollupBuckets::kLast], (Column{4, 2, 7}));
  EXPECT_EQ(buckets.values[RollupBuckets::kIncrease], (Column{0, 7, 5}));
  buckets.Clear();
  EXPECT_EQ(buckets.size(), 0U);
}

TEST(RollupBuckets, MinAndMaxIgnoreNaNUnlessThereIsNothingElse) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  SampleColumns samples;
  samples.Add(1, nan);
  samples.Add(2, 3);
  samples.Add(100, nan);
  samples.Add(101, nan);
  RollupBuckets buckets;
  buckets.Add(samples, 100);
  EXPECT_EQ(buckets.values[RollupBuckets::kMin][0], 3);
  EXPECT_EQ(buckets.values[RollupBuckets::kMax][0], 3);
  EXPECT_TRUE(std::isnan(buckets.values[RollupBuckets::kMin][1]));
  EXPECT_TRUE(std::isnan(buckets.values[RollupBuckets::kSum][0]));
}

TEST(RollupBuckets, KnowWhetherASampleIsOnTheirEnd) {
  SampleColumns samples;
  for (const TimestampMs time : {50, 100, 150, 299, 300, 350}) samples.Add(time, 1);
  RollupBuckets buckets;
  buckets.Add(samples, 100);
  ASSERT_EQ(buckets.times, (std::vector<TimestampMs>{0, 100, 200, 300}));
  const auto ends = [&buckets] {
    std::string all;
    for (size_t k = 0; k < buckets.size(); ++k) all += MayHaveEnd(buckets.on_end, k) ? '1' : '0';
    return all;
  };
  EXPECT_EQ(ends(), "1010");
  buckets.Filter([](size_t k) { return k != 0; });
  EXPECT_EQ(ends(), "010");
  EXPECT_EQ(buckets.times.front(), 100);
  EXPECT_TRUE(MayHaveEnd("", 7));
}

TEST(RollupBuckets, TheLastHistogramOfABucketStays) {
  SampleColumns samples;
  for (int i = 0; i < 4; ++i) {
    auto histogram = std::make_shared<Histogram>();
    histogram->count = i;
    histogram->reset_hint = CounterResetHint::kNotReset;
    samples.histograms.push_back({i * 50 + 50, histogram});
  }
  RollupBuckets buckets;
  buckets.Add(samples, 100);
  EXPECT_EQ(buckets.size(), 0U);
  ASSERT_EQ(buckets.histograms.size(), 2U);
  EXPECT_EQ(buckets.histograms[0].timestamp, 0);
  EXPECT_EQ(buckets.histograms[0].histogram->count, 1);
  EXPECT_EQ(buckets.histograms[1].timestamp, 100);
  EXPECT_EQ(buckets.histograms[1].histogram->count, 3);
  // It is about the one before, which is gone.
  EXPECT_EQ(buckets.histograms[1].histogram->reset_hint, CounterResetHint::kUnknown);
}

TEST(RollupBuckets, OfTwoTheOneWithMoreSamplesStays) {
  SampleColumns few;
  for (const TimestampMs time : {10, 20, 110, 210}) few.Add(time, 1);
  SampleColumns many;
  for (const TimestampMs time : {10, 20, 30, 115, 310}) many.Add(time, 2);
  RollupBuckets fresh;
  RollupBuckets older;
  fresh.Add(few, 100);
  older.Add(many, 100);
  EXPECT_TRUE(fresh.Contest(&older));
  EXPECT_EQ(fresh.times, (std::vector<TimestampMs>{100, 200}));
  EXPECT_EQ(older.times, (std::vector<TimestampMs>{0, 300}));
  EXPECT_EQ(older.values[RollupBuckets::kCount], (Column{3, 1}));
  EXPECT_FALSE(fresh.Contest(&older));
}

}  // namespace
}  // namespace vigil::postgres
