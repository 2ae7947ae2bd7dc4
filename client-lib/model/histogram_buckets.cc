// SPDX-License-Identifier: Apache-2.0
// Bounds and walks.
#include "client-lib/model/histogram_buckets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace vigil {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kFinestSteps = 1 << kMaxExponentialSchema;

// The bounds between 0.5 and 1 of the finest schema; coarser ones take every other.
const std::array<double, kFinestSteps>& Fractions() {
  static const std::array<double, kFinestSteps> kFractions = [] {
    std::array<double, kFinestSteps> fractions{};
    for (int i = 0; i < kFinestSteps; ++i) {
      const long double exponent = static_cast<long double>(i) / kFinestSteps - 1;
      fractions[static_cast<size_t>(i)] = static_cast<double>(std::exp2(exponent));
    }
    return fractions;
  }();
  return kFractions;
}

int ClampExponent(int64_t exponent) {
  return static_cast<int>(std::clamp<int64_t>(exponent, -5000, 5000));
}

HistogramBucket BucketAt(const Histogram& h, HistogramSide side, int64_t index, double count) {
  HistogramBucket bucket;
  bucket.count = count;
  bucket.index = index;
  if (side == HistogramSide::kPositive) {
    bucket.upper = BucketBound(h, index);
    bucket.lower = BucketBound(h, index - 1);
  } else {
    bucket.lower = -BucketBound(h, index);
    bucket.upper = -BucketBound(h, index - 1);
  }
  bucket.lower_inclusive = UsesCustomBuckets(h) ? index == 0 : bucket.lower < 0;
  bucket.upper_inclusive = UsesCustomBuckets(h) || bucket.upper > 0;
  return bucket;
}

const std::vector<BucketSpan>& SpansOf(const Histogram& h, HistogramSide side) {
  return side == HistogramSide::kPositive ? h.positive_spans : h.negative_spans;
}
const std::vector<double>& BucketsOf(const Histogram& h, HistogramSide side) {
  return side == HistogramSide::kPositive ? h.positive_buckets : h.negative_buckets;
}

}  // namespace

double ExponentialBound(int64_t index, int32_t schema) {
  if (schema < 0) {
    const int shift = std::min(-schema, 30);
    const int64_t exponent = std::clamp<int64_t>(index, -5000, 5000) * (int64_t{1} << shift);
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, ClampExponent(exponent));
  }
  const int fine = std::min(schema, kMaxExponentialSchema);
  const int64_t step = index & ((int64_t{1} << fine) - 1);
  const double fraction = Fractions()[static_cast<size_t>(step << (kMaxExponentialSchema - fine))];
  const int64_t exponent = (index >> fine) + 1;
  if (fraction == 0.5 && exponent == 1025) return std::numeric_limits<double>::max();
  return std::ldexp(fraction, ClampExponent(exponent));
}

double BucketBound(const Histogram& h, int64_t index) {
  if (!UsesCustomBuckets(h)) return ExponentialBound(index, h.schema);
  if (index < 0) return -kInfinity;
  const auto i = static_cast<size_t>(index);
  return i < h.custom_values.size() ? h.custom_values[i] : kInfinity;
}

BucketCursor::BucketCursor(const Histogram& h, HistogramSide side)
    : h_(h), side_(side), spans_(&SpansOf(h, side)), buckets_(&BucketsOf(h, side)) {}

bool BucketCursor::Next() {
  if (position_ >= buckets_->size()) return false;
  ++index_;
  if (span_ == 0 && in_span_ == 0 && position_ == 0) {
    if (spans_->empty()) return false;
    index_ = (*spans_)[0].offset;
  }
  while (in_span_ >= (*spans_)[span_].length) {
    in_span_ = 0;
    if (++span_ >= spans_->size()) {
      position_ = buckets_->size();
      return false;
    }
    index_ += (*spans_)[span_].offset;
  }
  ++in_span_;
  ++position_;
  return true;
}

HistogramBucket BucketCursor::At() const { return BucketAt(h_, side_, index_, count()); }

ReverseBucketCursor::ReverseBucketCursor(const Histogram& h, HistogramSide side)
    : h_(h), side_(side), spans_(&SpansOf(h, side)), buckets_(&BucketsOf(h, side)) {
  span_ = spans_->size();
  position_ = buckets_->size();
  for (const BucketSpan& span : *spans_) index_ += int64_t{span.offset} + span.length;
  if (span_ > 0) in_span_ = spans_->back().length;
}

bool ReverseBucketCursor::Next() {
  if (span_ == 0 || position_ == 0) return false;
  while (in_span_ == 0) {
    index_ -= (*spans_)[span_ - 1].offset;
    if (--span_ == 0) return false;
    in_span_ = (*spans_)[span_ - 1].length;
  }
  --in_span_;
  --position_;
  --index_;
  return true;
}

HistogramBucket ReverseBucketCursor::At() const {
  return BucketAt(h_, side_, index_, (*buckets_)[position_]);
}

AllBuckets::AllBuckets(const Histogram& h, Order order)
    : h_(h),
      first_(h, order == Order::kAscending ? HistogramSide::kNegative : HistogramSide::kPositive),
      second_(h, order == Order::kAscending ? HistogramSide::kPositive : HistogramSide::kNegative) {
}

void AllBuckets::CutAtZeroBucket() {
  const double edge = h_.zero_threshold;
  if (bucket_.upper < 0 && bucket_.upper > -edge) {
    bucket_.upper = -edge;
  } else if (bucket_.lower > 0 && bucket_.lower < edge) {
    bucket_.lower = edge;
  }
}

bool AllBuckets::Next() {
  if (stage_ == Stage::kFirst) {
    if (first_.Next()) {
      bucket_ = first_.At();
      CutAtZeroBucket();
      return true;
    }
    stage_ = Stage::kZero;
  }
  if (stage_ == Stage::kZero) {
    stage_ = Stage::kSecond;
    if (h_.zero_count > 0) {
      bucket_ = ZeroBucket(h_);
      return true;
    }
  }
  if (stage_ == Stage::kSecond && second_.Next()) {
    bucket_ = second_.At();
    CutAtZeroBucket();
    return true;
  }
  stage_ = Stage::kDone;
  return false;
}

}  // namespace vigil
