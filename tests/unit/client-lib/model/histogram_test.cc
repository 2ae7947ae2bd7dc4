// SPDX-License-Identifier: Apache-2.0
// Buckets, arithmetic and estimates of native histograms.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_estimate.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_text.h"

namespace vigil {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Positive buckets from an index on; count is their sum.
Histogram Positive(int32_t schema, int32_t offset, std::vector<double> buckets) {
  Histogram h;
  h.schema = schema;
  for (const double b : buckets) h.count += b;
  h.positive_spans = {{offset, static_cast<uint32_t>(buckets.size())}};
  h.positive_buckets = std::move(buckets);
  return h;
}

Histogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  Histogram h = Positive(kCustomBucketsSchema, 0, std::move(buckets));
  h.custom_values = std::move(bounds);
  return h;
}

TEST(HistogramBuckets, BoundsArePowersOfTheSchemasBase) {
  EXPECT_EQ(ExponentialBound(0, 0), 1);
  EXPECT_EQ(ExponentialBound(3, 0), 8);
  EXPECT_EQ(ExponentialBound(-2, 0), 0.25);
  EXPECT_EQ(ExponentialBound(1, -1), 4);
  EXPECT_EQ(ExponentialBound(-1, -4), std::ldexp(1, -16));
  EXPECT_EQ(ExponentialBound(1, 1), std::sqrt(2.0));
  EXPECT_EQ(ExponentialBound(256, 8), 2);
  EXPECT_DOUBLE_EQ(ExponentialBound(1, 8), std::exp2(1.0 / 256));
  // The last finite bucket ends at the largest number, the next one takes infinities.
  EXPECT_EQ(ExponentialBound(1024, 0), std::numeric_limits<double>::max());
  EXPECT_EQ(ExponentialBound(1025, 0), kInfinity);
  EXPECT_EQ(ExponentialBound(64, -4), std::numeric_limits<double>::max());
}

TEST(HistogramBuckets, WalksInOrderOfValue) {
  Histogram h = Positive(0, 0, {1, 0, 2});
  h.positive_spans = {{0, 1}, {0, 0}, {2, 2}};
  h.negative_spans = {{-1, 2}};
  h.negative_buckets = {3, 4};
  h.zero_threshold = 0.6;
  h.zero_count = 5;
  std::string ascending;
  AllBuckets up(h, AllBuckets::Order::kAscending);
  while (up.Next()) {
    ascending += std::to_string(up.At().lower) + ".." + std::to_string(up.At().upper) + "=" +
                 std::to_string(static_cast<int>(up.At().count)) + " ";
  }
  EXPECT_EQ(ascending,
            "-1.000000..-0.600000=4 -0.500000..-0.600000=3 -0.600000..0.600000=5 "
            "0.600000..1.000000=1 4.000000..8.000000=0 8.000000..16.000000=2 ");
  size_t n = 0;
  double last = kInfinity;
  AllBuckets down(h, AllBuckets::Order::kDescending);
  while (down.Next()) {
    if (n < 3) {
      EXPECT_LE(down.At().upper, last);
    }
    last = down.At().lower;
    ++n;
  }
  EXPECT_EQ(n, 6U);
}

TEST(HistogramBuckets, StopsWhereSpansAndBucketsDoNotFit) {
  Histogram h = Positive(0, 0, {1, 2});
  h.positive_spans = {{0, 1}};
  BucketCursor cursor(h, HistogramSide::kPositive);
  EXPECT_TRUE(cursor.Next());
  EXPECT_FALSE(cursor.Next());
  EXPECT_FALSE(cursor.Next());
  h.positive_spans.clear();
  BucketCursor none(h, HistogramSide::kPositive);
  EXPECT_FALSE(none.Next());
}

TEST(HistogramMath, AddsBucketsOfDifferentLayouts) {
  Histogram sum = Positive(0, 0, {1, 2});
  const HistogramMerge merge = AddHistogram(&sum, Positive(0, -2, {1, 0, 5, 0, 0, 7}));
  EXPECT_FALSE(merge.incompatible);
  EXPECT_EQ(HistogramTestText(sum), "{{count:16 offset:-2 buckets:[1 0 6 2 0 7]}}");
  SubtractHistogram(&sum, sum);
  CompactHistogram(&sum);
  EXPECT_EQ(HistogramTestText(sum), "{{}}");
}

TEST(HistogramMath, TakesTheCoarserSchema) {
  Histogram fine = Positive(1, 1, {1, 2, 3, 4});
  const Histogram coarse = Positive(0, 1, {10});
  AddHistogram(&fine, coarse);
  EXPECT_EQ(fine.schema, 0);
  EXPECT_EQ(HistogramTestText(fine), "{{count:20 offset:1 buckets:[13 7]}}");
  Histogram other = coarse;
  AddHistogram(&other, Positive(1, 1, {1, 2, 3, 4}));
  EXPECT_TRUE(SameHistogram(fine, other));
  Histogram reduced = Positive(2, -3, {1, 1, 1, 1, 1, 1, 1, 1});
  ReduceResolution(&reduced, 0);
  EXPECT_EQ(HistogramTestText(reduced), "{{count:8 buckets:[4 4]}}");
}

TEST(HistogramMath, WidensTheZeroBucket) {
  Histogram narrow = Positive(0, -3, {1, 2, 3, 4});
  narrow.zero_threshold = 0.01;
  narrow.zero_count = 1;
  Histogram wide = Positive(0, 0, {8});
  // Inside the bucket (0.25, 0.5], which is populated: the threshold becomes 0.5.
  wide.zero_threshold = 0.3;
  wide.zero_count = 10;
  AddHistogram(&narrow, wide);
  EXPECT_EQ(narrow.zero_threshold, 0.5);
  EXPECT_EQ(narrow.zero_count, 1 + 1 + 2 + 3 + 10);
  CompactHistogram(&narrow);
  EXPECT_EQ(narrow.positive_buckets, std::vector<double>({12}));
}

TEST(HistogramMath, ReconcilesCustomBounds) {
  Histogram sum = Custom({1, 5, 10}, {1, 2, 3, 4});
  const HistogramMerge merge = AddHistogram(&sum, Custom({5, 7, 10}, {10, 20, 30, 40}));
  EXPECT_TRUE(merge.bounds_reconciled);
  EXPECT_EQ(HistogramTestText(sum),
            "{{schema:-53 count:110 custom_values:[5 10] buckets:[13 53 44]}}");
  EXPECT_TRUE(AddHistogram(&sum, Positive(0, 0, {1})).incompatible);
}

TEST(HistogramMath, HintsOfSums) {
  using enum CounterResetHint;
  const auto hint = [](CounterResetHint a, CounterResetHint b) {
    Histogram x;
    Histogram y;
    x.reset_hint = a;
    y.reset_hint = b;
    const bool collision = AddHistogram(&x, y).hint_collision;
    return std::pair(x.reset_hint, collision);
  };
  EXPECT_EQ(hint(kReset, kReset), std::pair(kReset, false));
  EXPECT_EQ(hint(kGauge, kReset), std::pair(kGauge, false));
  EXPECT_EQ(hint(kNotReset, kGauge), std::pair(kGauge, false));
  EXPECT_EQ(hint(kNotReset, kUnknown), std::pair(kUnknown, false));
  EXPECT_EQ(hint(kNotReset, kReset), std::pair(kUnknown, true));
}

TEST(HistogramMath, CompactsGaps) {
  Histogram h = Positive(0, 0, {0, 1, 0, 2, 0, 0, 0, 3, 0});
  CompactHistogram(&h, 1);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{1, 3}, {3, 1}}));
  EXPECT_EQ(h.positive_buckets, std::vector<double>({1, 0, 2, 3}));
  CompactHistogram(&h);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{1, 1}, {1, 1}, {3, 1}}));
}

TEST(HistogramMath, SeesResets) {
  const Histogram before = Positive(0, 0, {1, 2, 0});
  EXPECT_FALSE(DetectReset(before, before));
  EXPECT_FALSE(DetectReset(Positive(0, -1, {1, 1, 2}), before));
  EXPECT_TRUE(DetectReset(Positive(0, 0, {5, 1}), before));
  EXPECT_TRUE(DetectReset(Positive(0, 1, {9}), before));
  EXPECT_TRUE(DetectReset(Positive(1, 0, {9}), before));
  EXPECT_FALSE(DetectReset(Positive(-1, 0, {1, 2}), before));
  Histogram hinted = Positive(0, 0, {0});
  hinted.reset_hint = CounterResetHint::kNotReset;
  EXPECT_FALSE(DetectReset(hinted, before));
  hinted = before;
  hinted.reset_hint = CounterResetHint::kReset;
  EXPECT_TRUE(DetectReset(hinted, before));
  EXPECT_TRUE(DetectReset(Custom({1}, {4}), before));
  EXPECT_FALSE(DetectReset(Custom({1, 2}, {1, 2, 3}), Custom({2, 3}, {3, 1, 2})));
  EXPECT_TRUE(DetectReset(Custom({1, 2}, {1, 1, 9}), Custom({2, 3}, {3, 1, 2})));
}

TEST(HistogramMath, EqualityIgnoresEmptySpansAndHints) {
  const Histogram a = Positive(0, 0, {1, 2});
  Histogram b = a;
  b.reset_hint = CounterResetHint::kGauge;
  b.positive_spans = {{-2, 0}, {2, 2}, {7, 0}};
  EXPECT_TRUE(SameHistogram(a, b));
  b.positive_buckets[1] = 3;
  EXPECT_FALSE(SameHistogram(a, b));
}

TEST(HistogramSum, KeepsWhatRoundingLoses) {
  Histogram h = Positive(0, 0, {1});
  h.sum = 1;
  HistogramSum sum(h);
  for (const double v : {1e100, 1.0, -1e100}) {
    Histogram next = Positive(0, 0, {v});
    next.sum = v;
    EXPECT_FALSE(sum.Add(next).incompatible);
  }
  EXPECT_EQ(sum.Total().sum, 2);
  EXPECT_EQ(sum.Total().positive_buckets[0], 2);
}

TEST(HistogramSum, MeanOutlivesOverflow) {
  Histogram h;
  h.count = std::numeric_limits<double>::max();
  HistogramMean mean(h);
  mean.Add(h);
  mean.Add(h);
  EXPECT_NEAR(mean.Mean().count / h.count, 1, 1e-12);
  HistogramMean small(Positive(0, 0, {3}));
  small.Add(Positive(0, 1, {6}));
  EXPECT_EQ(HistogramTestText(small.Mean()), "{{count:4.5 buckets:[1.5 3]}}");
}

TEST(HistogramEstimate, QuantileAndFractionAreInverse) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    Histogram h = Positive(static_cast<int32_t>(random() % 5) - 1, -2, {});
    h.positive_spans = {{-2, 6}};
    for (int i = 0; i < 6; ++i) h.positive_buckets.push_back(static_cast<double>(random() % 9 + 1));
    h.negative_spans = {{0, 3}};
    for (int i = 0; i < 3; ++i) h.negative_buckets.push_back(static_cast<double>(random() % 9 + 1));
    h.zero_threshold = 1e-3;
    h.zero_count = 3;
    h.count = 3;
    for (const double b : h.positive_buckets) h.count += b;
    for (const double b : h.negative_buckets) h.count += b;
    const double q = static_cast<double>(random() % 1000 + 1) / 1001;
    const double value = HistogramQuantile(q, h).value;
    EXPECT_NEAR(HistogramFraction(-kInfinity, value, h).value, q, 1e-9);
  }
}

TEST(HistogramEstimate, TrimsToBothSides) {
  Histogram h = Positive(0, 0, {2, 4, 8, 16});
  for (const double at : {0.1, 0.7, 1.0, 3.0, 8.0, 100.0}) {
    const Histogram below = TrimHistogram(h, at, TrimKeep::kBelow);
    const Histogram above = TrimHistogram(h, at, TrimKeep::kAbove);
    EXPECT_NEAR(below.count + above.count, h.count, 1e-9) << at;
    EXPECT_NEAR(below.count / h.count, HistogramFraction(-kInfinity, at, h).value, 1e-9) << at;
  }
}

TEST(HistogramText, NamesBoundsAndCounts) {
  Histogram h = Positive(0, 0, {1, 0, 2});
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {4};
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.sum = kInfinity;
  EXPECT_EQ(HistogramText(h),
            "{count:3, sum:+Inf, [-1,-0.5):4, [-0.001,0.001]:1, (0.5,1]:1, (2,4]:2}");
}

TEST(HistogramText, ValidatesLayouts) {
  EXPECT_TRUE(ValidateHistogram(Positive(0, 0, {1, 2})).has_value());
  EXPECT_TRUE(ValidateHistogram(Custom({1, 2}, {1, 2, 3})).has_value());
  const auto error = [](const Histogram& h) {
    const auto valid = ValidateHistogram(h);
    return valid.has_value() ? std::string("valid") : valid.error().message;
  };
  EXPECT_NE(error(Positive(9, 0, {1})).find("invalid schema"), std::string::npos);
  EXPECT_NE(error(Positive(0, 0, {-1})).find("observation count is negative"), std::string::npos);
  Histogram h = Positive(0, 0, {1});
  h.positive_spans[0].length = 2;
  EXPECT_NE(error(h).find("different number of buckets"), std::string::npos);
  h.positive_spans = {{0, 1}, {-1, 0}};
  EXPECT_NE(error(h).find("offset is negative"), std::string::npos);
  EXPECT_NE(error(Custom({2, 1}, {1})).find("strictly increasing"), std::string::npos);
  EXPECT_NE(error(Custom({2}, {1, 2, 3})).find("too few"), std::string::npos);
  h = Custom({2}, {1});
  h.zero_count = 1;
  EXPECT_NE(error(h).find("zero count"), std::string::npos);
  h = Positive(0, 0, {1});
  h.custom_values = {1};
  EXPECT_NE(error(h).find("must not have custom bounds"), std::string::npos);
}

TEST(HistogramText, AdmitsTheSchemasThereAre) {
  for (const int32_t schema : {-53, -4, 0, 8}) {
    Histogram h = schema == -53 ? Custom({1, 2}, {1, 2, 3}) : Positive(schema, 0, {1, 2});
    const Histogram before = h;
    EXPECT_TRUE(AdmitHistogram(&h).has_value()) << schema;
    EXPECT_TRUE(SameHistogram(h, before)) << schema;
  }
  for (const int32_t schema : {INT32_MIN, -563, -54, -52, -9, -5, 53, INT32_MAX}) {
    Histogram h = Positive(0, 0, {1, 2});
    h.schema = schema;
    const auto admitted = AdmitHistogram(&h);
    ASSERT_FALSE(admitted.has_value()) << schema;
    EXPECT_EQ(admitted.error().message,
              "histogram has an invalid schema, which must be between -4 and 8 for exponential "
              "buckets, or -53 for custom buckets, got schema " +
                  std::to_string(schema));
    EXPECT_FALSE(FitSchema(&h).has_value()) << schema;
  }
  for (const int32_t schema : {9, 10, 52}) {
    Histogram h = Positive(schema, 1, {1, 2});
    EXPECT_TRUE(AdmitHistogram(&h).has_value()) << schema;
    EXPECT_EQ(h.schema, 8);
    EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{1, 1}}));
    EXPECT_EQ(h.positive_buckets, (std::vector<double>{3}));
    // What does not fit is not hidden by making it coarser.
    h = Positive(schema, 1, {1, 2});
    h.positive_spans[0].length = 3;
    EXPECT_FALSE(AdmitHistogram(&h).has_value()) << schema;
  }
}

}  // namespace
}  // namespace vigil
