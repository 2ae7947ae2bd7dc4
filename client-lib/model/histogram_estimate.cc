// SPDX-License-Identifier: Apache-2.0
// Quantiles, fractions, variance.
#include "client-lib/model/histogram_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_layout.h"
#include "client-lib/model/sample.h"

namespace vigil {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// A histogram with observations on one side of zero only: its zero bucket reaches to that side.
void HalveZeroBucket(const Histogram& h, HistogramBucket* bucket) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) {
    bucket->lower = 0;
  } else if (h.positive_buckets.empty() && !h.negative_buckets.empty()) {
    bucket->upper = 0;
  }
}

// Where in the bucket a value lies, on a logarithmic scale: there all buckets of all schemas have
// one width.
double LogFraction(const HistogramBucket& bucket, double v) {
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  const double at = std::log2(std::fabs(v));
  return v > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
}

double ValueAt(const Histogram& h, const HistogramBucket& bucket, double fraction) {
  if (UsesCustomBuckets(h) || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  const double lower = std::log2(std::fabs(bucket.lower));
  const double upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
  return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

// Goes through the buckets to find the ranks of two values.
class FractionWalk {
 public:
  FractionWalk(const Histogram& h, double lower, double upper)
      : h_(h), lower_{lower}, upper_{upper} {}

  // True once both ranks are known.
  bool Visit(HistogramBucket bucket) {
    zero_ = bucket.lower <= 0 && bucket.upper >= 0;
    if (zero_) HalveZeroBucket(h_, &bucket);
    VisitEdge(&lower_, bucket);
    VisitEdge(&upper_, bucket);
    if (lower_.found && upper_.found) return true;
    VisitInside(&lower_, bucket);
    VisitInside(&upper_, bucket);
    if (lower_.found && upper_.found) return true;
    rank_ += bucket.count;
    return false;
  }
  [[nodiscard]] double Between(double count) const {
    return RankOf(upper_, count) - RankOf(lower_, count);
  }

 private:
  struct Edge {
    double value;
    double rank = 0;
    bool found = false;
  };

  void VisitEdge(Edge* edge, const HistogramBucket& bucket) const {
    if (edge->found || bucket.lower < edge->value) return;
    edge->rank = rank_;
    edge->found = true;
  }
  void VisitInside(Edge* edge, const HistogramBucket& bucket) const {
    if (edge->found || !(bucket.lower < edge->value && bucket.upper > edge->value)) return;
    edge->found = true;
    if (!UsesCustomBuckets(h_) && !zero_) {
      edge->rank = rank_ + bucket.count * LogFraction(bucket, edge->value);
    } else if (bucket.lower == -kInf) {
      // Nothing can be interpolated in an infinite width.
      edge->rank = bucket.count;
    } else {
      edge->rank =
          rank_ + bucket.count * (edge->value - bucket.lower) / (bucket.upper - bucket.lower);
    }
  }
  static double RankOf(const Edge& edge, double count) {
    return !edge.found || edge.rank > count ? count : edge.rank;
  }

  const Histogram& h_;
  Edge lower_;
  Edge upper_;
  double rank_ = 0;
  bool zero_ = false;
};

}  // namespace

HistogramEstimate HistogramQuantile(double q, const Histogram& h) {
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (h.count == 0 || std::isnan(q)) return {NormalNaN()};
  // NaN observations are in the count and in no bucket: as if they were above all others. Their
  // ranks are right only when counted from below.
  const bool ascending = std::isnan(h.sum) || q < 0.5;
  AllBuckets buckets(h, ascending ? AllBuckets::Order::kAscending : AllBuckets::Order::kDescending);
  double rank = (ascending ? q : 1 - q) * h.count;
  HistogramBucket bucket;
  double count = 0;
  while (buckets.Next()) {
    bucket = buckets.At();
    if (bucket.count == 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (UsesCustomBuckets(h)) {
    if (bucket.lower == -kInf) {
      if (bucket.upper <= 0) return {bucket.upper};
      bucket.lower = 0;
    } else if (bucket.upper == kInf) {
      return {bucket.lower};
    }
  } else if (bucket.lower < 0 && bucket.upper > 0) {
    HalveZeroBucket(h, &bucket);
  }
  count = std::min(count, h.count);
  if (count < rank) {
    if (std::isnan(h.sum)) return {NormalNaN(), NanObservations::kResultIsNan};
    return {bucket.upper};
  }
  rank = ascending ? rank - (count - bucket.count) : count - rank;
  HistogramEstimate estimate{ValueAt(h, bucket, rank / bucket.count)};
  if (std::isnan(h.sum)) {
    while (buckets.Next()) count += buckets.At().count;
    // Infinities of both signs make the sum NaN too, but they are in buckets.
    if (count < h.count) estimate.nan = NanObservations::kSkewed;
  }
  return estimate;
}

HistogramEstimate HistogramFraction(double lower, double upper, const Histogram& h) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return {NormalNaN()};
  if (lower >= upper) return {0};
  AllBuckets buckets(h, AllBuckets::Order::kAscending);
  FractionWalk walk(h, lower, upper);
  double in_buckets = 0;
  bool done = false;
  while (!done && buckets.Next()) {
    in_buckets += buckets.At().count;
    done = walk.Visit(buckets.At());
  }
  HistogramEstimate estimate;
  double count = h.count;
  if (std::isnan(h.sum)) {
    while (buckets.Next()) in_buckets += buckets.At().count;
    count = in_buckets;
    if (count < h.count) estimate.nan = NanObservations::kExcluded;
  }
  estimate.value = walk.Between(count) / h.count;
  return estimate;
}

double HistogramVariance(const Histogram& h) {
  const double mean = h.sum / h.count;
  double sum = 0;
  double compensation = 0;
  AllBuckets buckets(h, AllBuckets::Order::kAscending);
  while (buckets.Next()) {
    const HistogramBucket& bucket = buckets.At();
    if (bucket.count == 0) continue;
    double value = 0;
    if (UsesCustomBuckets(h)) {
      value = (bucket.upper + bucket.lower) / 2;
    } else if (!(bucket.lower <= 0 && bucket.upper >= 0)) {
      value = std::sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) value = -value;
    }
    const double delta = value - mean;
    Accumulate(bucket.count * delta * delta, &sum, &compensation);
  }
  return (sum + compensation) / h.count;
}

}  // namespace vigil
