// SPDX-License-Identifier: Apache-2.0
// Linear interpolation inside the buckets of a classic histogram.
#include "server/promql/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "client-lib/model/sample.h"

namespace vigil::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Equal bounds written differently ("1" and "1.0") are one bucket.
void Coalesce(std::vector<Bucket>* buckets) {
  size_t kept = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper_bound == (*buckets)[kept].upper_bound) {
      (*buckets)[kept].count += (*buckets)[i].count;
    } else {
      (*buckets)[++kept] = (*buckets)[i];
    }
  }
  buckets->resize(kept + 1);
}

bool AlmostEqual(double a, double b, double tolerance) {
  if (a == b) return true;
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  const double sum = std::fabs(a) + std::fabs(b);
  const double diff = std::fabs(a - b);
  const double smallest = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < smallest) return diff < tolerance * smallest;
  return diff / std::min(sum, std::numeric_limits<double>::max()) < tolerance;
}

// Cumulative counts cannot fall. Tiny steps in either direction are rounding and are taken out
// silently, larger falls are filled up and reported.
void MakeMonotonic(std::vector<Bucket>* buckets, BucketQuantileResult* result) {
  constexpr double kTolerance = 1e-12;
  double previous = (*buckets)[0].count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    Bucket& bucket = (*buckets)[i];
    if (bucket.count == previous) continue;
    if (AlmostEqual(previous, bucket.count, kTolerance)) {
      bucket.count = previous;
    } else if (bucket.count < previous) {
      if (!result->forced_monotonic) result->min_bucket = bucket.upper_bound;
      result->forced_monotonic = true;
      result->max_bucket = bucket.upper_bound;
      result->max_diff = std::max(result->max_diff, previous - bucket.count);
      bucket.count = previous;
    } else {
      previous = bucket.count;
    }
  }
}

double QuantileInside(double q, const std::vector<Bucket>& buckets) {
  const size_t last = buckets.size() - 1;
  double rank = q * buckets[last].count;
  const auto found = std::partition_point(buckets.begin(), buckets.end() - 1,
                                          [&](const Bucket& b) { return !(b.count >= rank); });
  const auto b = static_cast<size_t>(found - buckets.begin());
  if (b == last) return buckets[last - 1].upper_bound;
  if (b == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double start = 0;
  double count = buckets[b].count;
  if (b > 0) {
    start = buckets[b - 1].upper_bound;
    count -= buckets[b - 1].count;
    rank -= buckets[b - 1].count;
  }
  return start + (buckets[b].upper_bound - start) * (rank / count);
}

}  // namespace

BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>* buckets) {
  BucketQuantileResult result;
  result.value = NormalNaN();
  if (std::isnan(q)) return result;
  if (q < 0 || q > 1) {
    result.value = q < 0 ? -kInfinity : kInfinity;
    return result;
  }
  if (buckets->back().upper_bound != kInfinity) return result;
  Coalesce(buckets);
  MakeMonotonic(buckets, &result);
  if (buckets->size() >= 2 && buckets->back().count != 0) {
    result.value = QuantileInside(q, *buckets);
  } else {
    result.forced_monotonic = false;
  }
  return result;
}

double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets) {
  if (buckets->back().upper_bound != kInfinity) return NormalNaN();
  Coalesce(buckets);
  const double total = buckets->back().count;
  if (total == 0 || std::isnan(total) || std::isnan(lower) || std::isnan(upper)) {
    return NormalNaN();
  }
  if (lower >= upper) return 0;
  // How many observations lie below v, going up through the buckets.
  const auto rank_of = [&](double v) {
    double rank = 0;
    double from = (*buckets)[0].upper_bound > 0 ? 0 : -kInfinity;
    for (const Bucket& bucket : *buckets) {
      if (from >= v) return rank;
      if (bucket.upper_bound > v) {
        // In a bucket of infinite width nothing can be interpolated: it does not count.
        if (std::isinf(from)) return bucket.count;
        return rank + (bucket.count - rank) * (v - from) / (bucket.upper_bound - from);
      }
      rank = bucket.count;
      from = bucket.upper_bound;
    }
    return total;
  };
  const double lower_rank = std::min(rank_of(lower), total);
  const double upper_rank = std::min(rank_of(upper), total);
  return (upper_rank - lower_rank) / total;
}

}  // namespace vigil::promql
