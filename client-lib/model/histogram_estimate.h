// SPDX-License-Identifier: Apache-2.0
// What the buckets of a native histogram say about its observations: quantiles, fractions,
// variance, and the part of it below or above a value.
#pragma once

#include <cstdint>

#include "client-lib/model/histogram.h"

namespace vigil {

// How NaN observations, which are in no bucket, bear on a result.
enum class NanObservations : uint8_t { kNone, kResultIsNan, kSkewed, kExcluded };

struct HistogramEstimate {
  double value = 0;
  NanObservations nan = NanObservations::kNone;
};

// Exponential interpolation in exponential buckets, linear in the zero bucket and in custom ones.
// -Inf and +Inf for q out of [0, 1]; NaN without observations.
HistogramEstimate HistogramQuantile(double q, const Histogram& h);
// The fraction of observations between the bounds.
HistogramEstimate HistogramFraction(double lower, double upper, const Histogram& h);
double HistogramVariance(const Histogram& h);

enum class TrimKeep : uint8_t { kBelow, kAbove };
// Keeps the observations on one side of a value; count and sum are estimated anew when any bucket
// changes.
Histogram TrimHistogram(const Histogram& h, double at, TrimKeep keep);

}  // namespace vigil
