// SPDX-License-Identifier: Apache-2.0
// What rates over plain, anchored and smoothed selectors share. The windows of the latter two reach
// beyond the range.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
#include "server/promql/range_window.h"

namespace vigil::promql {

enum class RateKind { kRate, kIncrease, kDelta };

struct RateEdges {
  double first_value;  // of native histograms: their count
  TimestampMs first;
  TimestampMs last;
  double gaps;  // samples in the window, less one
};

// By what factor the difference between first and last sample grows when the slope goes on to the
// edges of the window. A series is taken to reach an edge that is nearer than 1.1 average
// intervals, to end half an interval outside its samples otherwise, and a counter not to have
// been negative.
double ExtrapolationFactor(const RateEdges& edges, TimestampMs start, TimestampMs end,
                           double difference, RateKind kind);

// The same for a counter that is known to have been zero at `zero`, inside the window.
double FactorFromZero(const RateEdges& edges, TimestampMs zero, TimestampMs end);

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

// The range itself, with a sample at each edge; nothing when no sample is after its start.
SampleColumns ExtendedSamples(const RangeWindow& window, Extension extension);

// Functions that look at start timestamps where samples have them (functions_started.cc).
struct StartedWindow {
  std::span<const TimestampMs> timestamps;
  std::span<const double> values;
  std::span<const TimestampMs> starts;  // as long as the others
  TimestampMs start = 0;                // of the range, exclusive
  TimestampMs end = 0;
};
using StartedFn = std::optional<double> (*)(const StartedWindow& window);
// Null for other functions.
StartedFn FindStartedKernel(std::string_view function);
// Whether the samples of the window contradict each other, which rates warn of.
bool HasOverlappingStarts(const StartedWindow& window);

// The value at time t on the line through two neighbouring samples. A counter that was reset in
// between starts from zero.
enum class Slope { kGauge, kCounter };
double Interpolate(TimestampMs t1, double v1, TimestampMs t2, double v2, TimestampMs t,
                   Slope slope);

}  // namespace vigil::promql
