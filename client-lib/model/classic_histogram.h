// SPDX-License-Identifier: Apache-2.0
// Classic histograms as native ones: buckets with cumulative counts become custom buckets.
#pragma once

#include <optional>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"

namespace vigil {

struct ClassicHistogram {
  struct Bucket {
    double bound = 0;  // the upper one; no NaN
    double count = 0;  // of this bucket and all below it
  };
  std::vector<Bucket> buckets;  // in any order; the last one of a bound counts
  std::optional<double> count;  // none: that of the highest bucket
  double sum = 0;
};

// A bucket to infinity may be missing. Of integers when all counts are. bad_data when the counts
// are negative, go down or do not fit.
Result<Histogram> WithCustomBuckets(ClassicHistogram classic);

}  // namespace vigil
