// SPDX-License-Identifier: Apache-2.0
// Kernels for anchored and smoothed range selectors: no extrapolation, the edges are samples
// outside the range (anchored) or points on the line between samples (smoothed).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "server/promql/functions_rate.h"

namespace vigil::promql {
namespace {

// Index of the newest sample at or before the start of the range, or 0.
size_t FirstIndex(const RangeWindow& window) {
  const auto after = std::ranges::upper_bound(window.timestamps, window.start);
  const auto n = static_cast<size_t>(after - window.timestamps.begin());
  return n == 0 ? 0 : n - 1;
}

// Index of the sample that gives the right edge.
size_t LastIndex(const RangeWindow& window, Extension extension) {
  const size_t newest = window.size() - 1;
  if (extension == Extension::kAnchored) return newest;
  const auto at = std::ranges::lower_bound(window.timestamps, window.end);
  return std::min(newest, static_cast<size_t>(at - window.timestamps.begin()));
}

double Edge(const RangeWindow& window, size_t i, TimestampMs t, Slope slope) {
  return Interpolate(window.timestamps[i], window.values[i], window.timestamps[i + 1],
                     window.values[i + 1], t, slope);
}

// What resets between the edges took away from a counter.
double ResetCorrection(double left, double right, std::span<const double> between) {
  double correction = 0;
  double previous = left;
  for (const double v : between) {
    if (v < previous) correction += previous;
    previous = v;
  }
  return right < previous ? correction + previous : correction;
}

double LeftEdge(const RangeWindow& window, size_t first, Extension extension, Slope slope) {
  const bool between = extension == Extension::kSmoothed && window.timestamps[first] < window.start;
  return between ? Edge(window, first, window.start, slope) : window.values[first];
}

double RightEdge(const RangeWindow& window, size_t last, Extension extension, Slope slope) {
  const bool between =
      extension == Extension::kSmoothed && last > 0 && window.timestamps[last] > window.end;
  return between ? Edge(window, last - 1, window.end, slope) : window.values[last];
}

std::optional<double> Increase(const RangeWindow& window, Extension extension, Slope slope) {
  size_t first = FirstIndex(window);
  size_t last = LastIndex(window, extension);
  if (window.timestamps[last] <= window.start || window.timestamps[first] > window.end) {
    return std::nullopt;
  }
  const double left = LeftEdge(window, first, extension, slope);
  const double right = RightEdge(window, last, extension, slope);
  double result = right - left;
  if (slope == Slope::kCounter) {
    // Resets at the edges are in the edges' values already.
    if (window.timestamps[first] <= window.start) ++first;
    const size_t end = window.timestamps[last] >= window.end ? last : last + 1;
    if (first < end) {
      result += ResetCorrection(left, right, window.values.subspan(first, end - first));
    } else {
      result += ResetCorrection(left, right, {});
    }
  }
  return result;
}

std::optional<double> ExtendedIncrease(const RangeWindow& window, Extension extension) {
  return Increase(window, extension, Slope::kCounter);
}

std::optional<double> ExtendedDelta(const RangeWindow& window, Extension extension) {
  return Increase(window, extension, Slope::kGauge);
}

std::optional<double> ExtendedRate(const RangeWindow& window, Extension extension) {
  const std::optional<double> increase = Increase(window, extension, Slope::kCounter);
  if (!increase) return std::nullopt;
  return *increase / (static_cast<double>(window.end - window.start) / 1000);
}

template <typename Counts>
std::optional<double> CountSteps(const RangeWindow& window, Counts counts) {
  if (window.timestamps.back() <= window.start) return std::nullopt;
  double n = 0;
  for (size_t i = FirstIndex(window) + 1; i < window.size(); ++i) {
    if (counts(window.values[i - 1], window.values[i])) n += 1;
  }
  return n;
}

std::optional<double> ExtendedChanges(const RangeWindow& window, Extension) {
  return CountSteps(window, [](double previous, double v) {
    return v != previous && !(std::isnan(v) && std::isnan(previous));
  });
}

std::optional<double> ExtendedResets(const RangeWindow& window, Extension) {
  return CountSteps(window, [](double previous, double v) { return v < previous; });
}

constexpr std::array<ExtendedKernel, 5> kExtendedKernels = {{{"changes", false, ExtendedChanges},
                                                             {"delta", true, ExtendedDelta},
                                                             {"increase", true, ExtendedIncrease},
                                                             {"rate", true, ExtendedRate},
                                                             {"resets", false, ExtendedResets}}};

}  // namespace

double Interpolate(TimestampMs t1, double v1, TimestampMs t2, double v2, TimestampMs t,
                   Slope slope) {
  const double from = slope == Slope::kCounter && v2 < v1 ? 0 : v1;
  return from + (v2 - from) * static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
}

SampleColumns ExtendedSamples(const RangeWindow& window, Extension extension) {
  SampleColumns out;
  const size_t first = FirstIndex(window);
  const size_t last = LastIndex(window, extension);
  if (window.timestamps[last] <= window.start) return out;
  // Nobody says whether the series is a counter.
  out.Add(window.start, LeftEdge(window, first, extension, Slope::kGauge));
  for (size_t i = first; i <= last; ++i) {
    if (window.timestamps[i] <= window.start || window.timestamps[i] >= window.end) continue;
    out.Add(window.timestamps[i], window.values[i]);
  }
  out.Add(window.end, RightEdge(window, last, extension, Slope::kGauge));
  return out;
}

Result<ExtendedKernel> FindExtendedKernel(std::string_view function, Extension extension) {
  for (const ExtendedKernel& row : kExtendedKernels) {
    if (row.function != function) continue;
    if (extension == Extension::kAnchored || row.smoothed_too) return row;
  }
  if (extension == Extension::kAnchored) {
    return ExecutionError(
        fmt::format("anchored modifier can only be used with: changes, delta, increase, rate, "
                    "resets - not with {}",
                    function));
  }
  return ExecutionError(fmt::format(
      "smoothed modifier can only be used with: delta, increase, rate - not with {}", function));
}

}  // namespace vigil::promql
