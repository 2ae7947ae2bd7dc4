// SPDX-License-Identifier: Apache-2.0
// Zero buckets of different widths brought together.
#pragma once

#include "client-lib/model/histogram.h"
#include "client-lib/model/histogram_layout.h"

namespace vigil {

struct ZeroBucketAt {
  double count = 0;
  double threshold = 0;
};

// What the zero bucket would hold with a wider threshold. A threshold inside a populated bucket
// moves out to that bucket's end. REQUIRES: threshold >= h.zero_threshold.
ZeroBucketAt WidenedZeroBucket(const Histogram& h, double threshold);

// Widens the zero bucket of `h` until it is a zero bucket for both; returns what it holds of
// `other`. `positive` and `negative` show the sides of `h`.
double ReconcileZeroBuckets(Histogram* h, const SideView& positive, const SideView& negative,
                            double* zero_compensation, const Histogram& other);

}  // namespace vigil
