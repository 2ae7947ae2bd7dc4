// SPDX-License-Identifier: Apache-2.0
// Histograms as text, and their validity.
#pragma once

#include <string>

#include "client-lib/base/result.h"
#include "client-lib/model/histogram.h"

namespace vigil {

// {count:20, sum:10, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1}: the label value of count_values.
std::string HistogramText(const Histogram& h);
// {{schema:1 count:4 sum:5 buckets:[1 2 1]}}: as test scripts and rule tests write it.
std::string HistogramTestText(const Histogram& h);

// bad_data when spans and buckets do not fit, a count is negative, or a field is set that the
// schema does not have; with upstream's words.
Result<void> ValidateHistogram(const Histogram& h);

// The one rule for schemas of histograms that come from outside: bad_data when there is none such,
// and what is finer than the store has is made coarser. Bounded by the buckets and spans there are.
Result<void> FitSchema(Histogram* h);
// ValidateHistogram(), with FitSchema().
Result<void> AdmitHistogram(Histogram* h);
// True when AdmitHistogram() would change a valid one.
inline bool IsFinerThanStored(const Histogram& h) {
  return h.schema > kMaxExponentialSchema && h.schema <= kMaxReservedSchema;
}

}  // namespace vigil
