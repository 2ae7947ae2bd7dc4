// SPDX-License-Identifier: Apache-2.0
// Rates over anchored and smoothed selectors, whose windows reach beyond the range.
#pragma once

#include <optional>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/promql/range_window.h"

namespace vigil::promql {

enum class Extension { kAnchored, kSmoothed };

// The window holds the samples of (start - lookback, end], for smoothed up to end + lookback;
// start and end are those of the range itself. Nothing when there is no result.
using ExtendedFn = std::optional<double> (*)(const RangeWindow& window, Extension extension);

struct ExtendedKernel {
  std::string_view function;
  bool smoothed_too;  // rather than anchored only
  ExtendedFn run;
};

// Execution error when the function cannot be used with such a selector.
Result<ExtendedKernel> FindExtendedKernel(std::string_view function, Extension extension);

// The value at time t on the line through two neighbouring samples. A counter that was reset in
// between starts from zero.
enum class Slope { kGauge, kCounter };
double Interpolate(TimestampMs t1, double v1, TimestampMs t2, double v2, TimestampMs t,
                   Slope slope);

}  // namespace vigil::promql
