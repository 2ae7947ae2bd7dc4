// SPDX-License-Identifier: Apache-2.0
// The part of a histogram below or above a value.
#include <cmath>
#include <limits>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_estimate.h"
#include "client-lib/model/histogram_math.h"

namespace vigil {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// What is left of a bucket: how many observations, and the value that stands for each.
struct Rest {
  double count = 0;
  double value = 0;
};

double FiniteOrZero(double v) { return std::isinf(v) ? 0 : v; }

class Trimmer {
 public:
  Trimmer(const Histogram& h, double at, TrimKeep keep) : out_(h), at_(at), keep_(keep) {}

  Histogram Run() {
    const bool positive = TrimSide(HistogramSide::kPositive, &out_.positive_buckets);
    const bool negative = TrimSide(HistogramSide::kNegative, &out_.negative_buckets);
    TrimZeroBucket(positive, negative);
    if (changed_) {
      out_.count = count_;
      out_.sum = sum_;
      out_.integer = false;
      CompactHistogram(&out_);
    }
    return std::move(out_);
  }

 private:
  void Take(const Rest& rest) {
    count_ += rest.count;
    sum_ += rest.value * rest.count;
  }

  // True when the side has observations.
  bool TrimSide(HistogramSide side, std::vector<double>* buckets) {
    bool any = false;
    BucketCursor cursor(out_, side);
    while (cursor.Next()) {
      const HistogramBucket bucket = cursor.At();
      if (bucket.count == 0) continue;
      any = true;
      const bool whole = keep_ == TrimKeep::kBelow ? bucket.upper <= at_ : bucket.lower >= at_;
      const bool part = keep_ == TrimKeep::kBelow ? bucket.lower < at_ : bucket.upper > at_;
      Rest rest;
      if (whole) {
        rest = {bucket.count, Middle(side, bucket.lower, bucket.upper)};
      } else if (part) {
        rest = Split(side, bucket);
      }
      Take(rest);
      if (rest.count == bucket.count) continue;
      (*buckets)[cursor.position()] = rest.count;
      changed_ = true;
    }
    return any;
  }

  void TrimZeroBucket(bool positive, bool negative) {
    if (!(out_.zero_count > 0)) return;
    const Rest rest = SplitZeroBucket(positive, negative);
    Take(rest);
    if (rest.count == out_.zero_count) return;
    out_.zero_count = rest.count;
    changed_ = true;
  }

  [[nodiscard]] Rest SplitZeroBucket(bool positive, bool negative) const {
    const double lower = positive && !negative ? 0 : -out_.zero_threshold;
    const double upper = negative && !positive ? 0 : out_.zero_threshold;
    const Rest whole{out_.zero_count, (lower + upper) / 2};
    if (keep_ == TrimKeep::kBelow) {
      if (at_ <= lower) return {};
      if (at_ >= upper) return whole;
      return {out_.zero_count * ((at_ - lower) / (upper - lower)), (lower + at_) / 2};
    }
    if (at_ <= lower) return whole;
    if (at_ >= upper) return {};
    return {out_.zero_count * ((upper - at_) / (upper - lower)), (at_ + upper) / 2};
  }

  // The bucket holds the value it is cut at.
  [[nodiscard]] Rest Split(HistogramSide side, const HistogramBucket& bucket) const {
    if (bucket.lower == -kUnbounded) return SplitFirst(bucket);
    if (bucket.upper == kUnbounded) return SplitLast(bucket);
    const double below = bucket.count * FractionBelow(side, bucket);
    if (keep_ == TrimKeep::kBelow) return {below, Middle(side, bucket.lower, at_)};
    return {bucket.count - below, Middle(side, at_, bucket.upper)};
  }

  // How observations are spread to infinity is unknown. The first bucket of a histogram with a
  // positive bound is taken to start at zero; otherwise such a bucket stays or goes as a whole.
  [[nodiscard]] Rest SplitFirst(const HistogramBucket& bucket) const {
    const bool from_zero = bucket.upper > 0 && bucket.upper != kUnbounded;
    if (keep_ == TrimKeep::kBelow) {
      if (at_ >= bucket.upper) return {bucket.count, 0};
      if (at_ > 0 && from_zero) return {bucket.count * at_ / bucket.upper, at_ / 2};
      if (bucket.upper <= 0) return {bucket.count, at_};
      return {0, FiniteOrZero(bucket.upper)};
    }
    if (at_ <= bucket.lower) return {bucket.count, 0};
    if (at_ >= 0 && bucket.upper > at_ && from_zero) {
      return {bucket.count * (1 - at_ / bucket.upper), (at_ + bucket.upper) / 2};
    }
    return {0, FiniteOrZero(bucket.upper)};
  }

  [[nodiscard]] Rest SplitLast(const HistogramBucket& bucket) const {
    if (keep_ == TrimKeep::kAbove && at_ >= bucket.lower) return {bucket.count, at_};
    return {0, FiniteOrZero(bucket.lower)};
  }

  [[nodiscard]] double FractionBelow(HistogramSide side, const HistogramBucket& bucket) const {
    if (at_ <= bucket.lower) return 0;
    if (at_ >= bucket.upper) return 1;
    if (UsesCustomBuckets(out_)) return (at_ - bucket.lower) / (bucket.upper - bucket.lower);
    const double lower = std::log2(std::fabs(bucket.lower));
    const double upper = std::log2(std::fabs(bucket.upper));
    const double v = std::log2(std::fabs(at_));
    if (side == HistogramSide::kPositive) return (v - lower) / (upper - lower);
    return 1 - (v - upper) / (lower - upper);
  }

  [[nodiscard]] double Middle(HistogramSide side, double lower, double upper) const {
    if (std::isinf(lower)) {
      if (std::isinf(upper)) return 0;
      return upper > 0 ? upper / 2 : upper;
    }
    if (std::isinf(upper)) return lower;
    if (UsesCustomBuckets(out_)) return (lower + upper) / 2;
    const double middle = std::sqrt(std::fabs(lower * upper));
    return side == HistogramSide::kPositive ? middle : -middle;
  }

  Histogram out_;
  double at_;
  TrimKeep keep_;
  double count_ = 0;
  double sum_ = 0;
  bool changed_ = false;
};

}  // namespace

Histogram TrimHistogram(const Histogram& h, double at, TrimKeep keep) {
  return Trimmer(h, at, keep).Run();
}

}  // namespace vigil
