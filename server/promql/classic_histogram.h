// SPDX-License-Identifier: Apache-2.0
// Quantiles and fractions of classic histograms: cumulative counts by upper bound.
#pragma once

#include <cstddef>
#include <vector>

namespace vigil::promql {

struct Bucket {
  double upper_bound = 0;
  double count = 0;
};

struct BucketQuantileResult {
  double value = 0;
  // Counts fell with rising bounds by more than rounding explains; between these bounds.
  bool forced_monotonic = false;
  double min_bucket = 0;
  double max_bucket = 0;
  double max_diff = 0;
};

// REQUIRES: sorted by bound, not empty. Changes the buckets. NaN without a +Inf bucket, with fewer
// than two buckets or without observations; -Inf and +Inf for q out of [0, 1].
BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>* buckets);

// The fraction of observations between the bounds. REQUIRES as above.
double BucketFraction(double lower, double upper, std::vector<Bucket>* buckets);

}  // namespace vigil::promql
