// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

}  // namespace
}  // namespace vigil::postgres
