// SPDX-License-Identifier: Apache-2.0
// Addition, scaling and sums.
#include "client-lib/model/histogram_math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_layout.h"
#include "client-lib/model/histogram_zero.h"

namespace vigil {
namespace {

using Compensation = HistogramSum::Compensation;

constexpr int64_t kAllIndexes = std::numeric_limits<int64_t>::min();

SideView Positive(Histogram* h, Compensation* c) {
  return {&h->positive_spans, &h->positive_buckets, c == nullptr ? nullptr : &c->positive};
}
SideView Negative(Histogram* h, Compensation* c) {
  return {&h->negative_spans, &h->negative_buckets, c == nullptr ? nullptr : &c->negative};
}

// True when the hints contradict each other.
bool AdjustHint(Histogram* h, CounterResetHint other) {
  using enum CounterResetHint;
  if (h->reset_hint == other || h->reset_hint == kGauge) return false;
  if (other == kGauge) {
    h->reset_hint = kGauge;
    return false;
  }
  const bool collision = h->reset_hint != kUnknown && other != kUnknown;
  h->reset_hint = kUnknown;
  return collision;
}

// The first bucket outside the zero bucket.
int64_t FirstOutside(const std::vector<BucketSpan>& spans, size_t buckets, int32_t schema,
                     double threshold) {
  if (threshold == 0) return kAllIndexes;
  int64_t first = std::numeric_limits<int64_t>::max();
  bool found = false;
  ForEachBucket(spans, buckets, [&](int64_t index, size_t) {
    if (found || ExponentialBound(index, schema) <= threshold) return;
    found = true;
    first = index;
  });
  return first;
}

void MergeExponentialSide(const SideView& side, int32_t schema,
                          const std::vector<BucketSpan>& spans, const std::vector<double>& buckets,
                          int32_t other_schema, double threshold, bool negative) {
  if (other_schema == schema) {
    AddSide(side, {spans, buckets}, FirstOutside(spans, buckets.size(), schema, threshold),
            negative);
    return;
  }
  std::vector<BucketSpan> coarse_spans = spans;
  std::vector<double> coarse_buckets = buckets;
  ReduceSide({&coarse_spans, &coarse_buckets}, other_schema, schema);
  AddSide(side, {coarse_spans, coarse_buckets},
          FirstOutside(coarse_spans, coarse_buckets.size(), schema, threshold), negative);
}

void MergeExponential(Histogram* h, Compensation* c, const Histogram& other, bool negative) {
  if (other.schema < h->schema) {
    ReduceSide(Positive(h, c), h->schema, other.schema);
    ReduceSide(Negative(h, c), h->schema, other.schema);
    h->schema = other.schema;
  }
  MergeExponentialSide(Positive(h, c), h->schema, other.positive_spans, other.positive_buckets,
                       other.schema, h->zero_threshold, negative);
  MergeExponentialSide(Negative(h, c), h->schema, other.negative_spans, other.negative_buckets,
                       other.schema, h->zero_threshold, negative);
}

// True when the bounds were not the same.
bool MergeCustom(Histogram* h, Compensation* c, const Histogram& other, bool negative) {
  if (h->custom_values == other.custom_values) {
    AddSide(Positive(h, c), {other.positive_spans, other.positive_buckets}, kAllIndexes, negative);
    return false;
  }
  std::vector<double> common = CommonBounds(h->custom_values, other.custom_values);
  MapToBounds(Positive(h, c), h->custom_values, common);
  std::vector<BucketSpan> spans = other.positive_spans;
  std::vector<double> buckets = other.positive_buckets;
  MapToBounds({&spans, &buckets}, other.custom_values, common);
  AddSide(Positive(h, c), {spans, buckets}, kAllIndexes, negative);
  CompactSide(Positive(h, c), 0);
  h->custom_values = std::move(common);
  return true;
}

HistogramMerge Merge(Histogram* h, Compensation* c, const Histogram& other, bool negative) {
  HistogramMerge merge;
  if (UsesCustomBuckets(*h) != UsesCustomBuckets(other)) {
    merge.incompatible = true;
    return merge;
  }
  const double sign = negative ? -1 : 1;
  h->integer = false;
  merge.hint_collision = AdjustHint(h, other.reset_hint);
  Accumulate(sign * other.count, &h->count, c == nullptr ? nullptr : &c->count);
  Accumulate(sign * other.sum, &h->sum, c == nullptr ? nullptr : &c->sum);
  if (UsesCustomBuckets(*h)) {
    merge.bounds_reconciled = MergeCustom(h, c, other, negative);
    return merge;
  }
  const double zero_count = ReconcileZeroBuckets(h, Positive(h, c), Negative(h, c),
                                                 c == nullptr ? nullptr : &c->zero_count, other);
  Accumulate(sign * zero_count, &h->zero_count, c == nullptr ? nullptr : &c->zero_count);
  MergeExponential(h, c, other, negative);
  return merge;
}

template <typename F>
void ForEachNumber(Histogram* h, F f) {
  f(h->zero_count);
  f(h->count);
  f(h->sum);
  for (double& v : h->positive_buckets) f(v);
  for (double& v : h->negative_buckets) f(v);
}

template <typename F>
void ForEachNumber(Compensation* c, F f) {
  f(c->zero_count);
  f(c->count);
  f(c->sum);
  for (double& v : c->positive) f(v);
  for (double& v : c->negative) f(v);
}

void AddUp(std::vector<double>* buckets, const std::vector<double>& compensations) {
  for (size_t i = 0; i < buckets->size(); ++i) (*buckets)[i] += compensations[i];
}

}  // namespace

HistogramMerge AddHistogram(Histogram* h, const Histogram& other) {
  return Merge(h, nullptr, other, false);
}

HistogramMerge SubtractHistogram(Histogram* h, const Histogram& other) {
  return Merge(h, nullptr, other, true);
}

void MultiplyHistogram(Histogram* h, double factor) {
  ForEachNumber(h, [factor](double& v) { v *= factor; });
  h->integer = false;
  if (factor < 0) h->reset_hint = CounterResetHint::kGauge;
}

void DivideHistogram(Histogram* h, double divisor) {
  ForEachNumber(h, [divisor](double& v) { v /= divisor; });
  h->integer = false;
  if (divisor == 0) {
    h->positive_spans.clear();
    h->positive_buckets.clear();
    h->negative_spans.clear();
    h->negative_buckets.clear();
  } else if (divisor < 0) {
    h->reset_hint = CounterResetHint::kGauge;
  }
}

void CompactHistogram(Histogram* h, size_t max_empty) {
  CompactSide(Positive(h, nullptr), max_empty);
  CompactSide(Negative(h, nullptr), max_empty);
}

void ReduceResolution(Histogram* h, int32_t target_schema) {
  if (h->schema <= target_schema) return;
  ReduceSide(Positive(h, nullptr), h->schema, target_schema);
  ReduceSide(Negative(h, nullptr), h->schema, target_schema);
  h->schema = target_schema;
}

bool HasOverflow(const Histogram& h) {
  const auto infinite = [](double v) { return std::isinf(v); };
  return infinite(h.zero_count) || infinite(h.count) || infinite(h.sum) ||
         std::any_of(h.positive_buckets.begin(), h.positive_buckets.end(), infinite) ||
         std::any_of(h.negative_buckets.begin(), h.negative_buckets.end(), infinite);
}

size_t SampleCost(const Histogram& h) {
  constexpr size_t kFixedBytes = 168 + 8;  // the histogram without its arrays, and its timestamp
  constexpr size_t kFloatSampleBytes = 16;
  const size_t elements = h.positive_spans.size() + h.negative_spans.size() +
                          h.positive_buckets.size() + h.negative_buckets.size() +
                          h.custom_values.size();
  return (kFixedBytes + 8 * elements) / kFloatSampleBytes;
}

HistogramSum::HistogramSum(const Histogram& first) : sum_(first) {
  compensation_.positive.assign(sum_.positive_buckets.size(), 0);
  compensation_.negative.assign(sum_.negative_buckets.size(), 0);
}

HistogramMerge HistogramSum::Add(const Histogram& other) {
  return Merge(&sum_, &compensation_, other, false);
}

void HistogramSum::Multiply(double factor) {
  MultiplyHistogram(&sum_, factor);
  ForEachNumber(&compensation_, [factor](double& v) { v *= factor; });
}

void HistogramSum::Divide(double divisor) {
  DivideHistogram(&sum_, divisor);
  ForEachNumber(&compensation_, [divisor](double& v) { v /= divisor; });
}

Histogram HistogramSum::Total() const {
  Histogram total = sum_;
  total.zero_count += compensation_.zero_count;
  total.count += compensation_.count;
  total.sum += compensation_.sum;
  AddUp(&total.positive_buckets, compensation_.positive);
  AddUp(&total.negative_buckets, compensation_.negative);
  return total;
}

HistogramMerge HistogramMean::Add(const Histogram& other) {
  count_ += 1;
  if (!incremental_) {
    HistogramSum next = sum_;
    const HistogramMerge merge = next.Add(other);
    if (merge.incompatible) return merge;
    if (!next.Overflows()) {
      sum_ = std::move(next);
      return merge;
    }
    incremental_ = true;
    sum_.Divide(count_ - 1);
  }
  sum_.Multiply((count_ - 1) / count_);
  Histogram part = other;
  DivideHistogram(&part, count_);
  return sum_.Add(part);
}

Histogram HistogramMean::Mean() const {
  HistogramSum mean = sum_;
  if (!incremental_) mean.Divide(count_);
  return mean.Total();
}

}  // namespace vigil
