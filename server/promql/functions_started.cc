// SPDX-License-Identifier: Apache-2.0
// Counters whose samples say since when they have counted: a reset shows even when the value did
// not fall, and a counter that began inside the window began at zero.
#include <array>
#include <utility>

#include "server/promql/functions_rate.h"
#include "server/promql/start_times.h"

namespace vigil::promql {
namespace {

StartedSample SampleAt(const StartedWindow& window, size_t i) {
  return {window.starts[i], window.timestamps[i]};
}

// REQUIRES: i > 0.
bool WasReset(const StartedWindow& window, size_t i) {
  return window.values[i] < window.values[i - 1] ||
         RestartedBetween(SampleAt(window, i - 1), SampleAt(window, i));
}

template <RateKind kKind>
std::optional<double> StartedRate(const StartedWindow& window) {
  const size_t n = window.values.size();
  if (n == 0) return std::nullopt;
  double difference = window.values[n - 1] - window.values[0];
  for (size_t i = 1; i < n; ++i) {
    if (WasReset(window, i)) difference += window.values[i - 1];
  }
  const RateEdges edges{window.values[0], window.timestamps[0], window.timestamps[n - 1],
                        static_cast<double>(n - 1)};
  double factor = 0;
  if (StartsInside(SampleAt(window, 0), window.start)) {
    difference += window.values[0];
    factor = FactorFromZero(edges, window.starts[0], window.end);
  } else if (n < 2) {
    return std::nullopt;
  } else {
    factor = ExtrapolationFactor(edges, window.start, window.end, difference, kKind);
  }
  if (kKind == RateKind::kRate) factor /= static_cast<double>(window.end - window.start) / 1000;
  return difference * factor;
}

std::optional<double> StartedInstantRate(const StartedWindow& window) {
  const size_t n = window.values.size();
  if (n < 2) return std::nullopt;
  const double last = window.values[n - 1];
  const double increase = WasReset(window, n - 1) ? last : last - window.values[n - 2];
  return increase /
         (static_cast<double>(window.timestamps[n - 1] - window.timestamps[n - 2]) / 1000);
}

std::optional<double> StartedResets(const StartedWindow& window) {
  if (window.values.empty()) return std::nullopt;
  double resets = 0;
  for (size_t i = 1; i < window.values.size(); ++i) resets += WasReset(window, i) ? 1 : 0;
  return resets;
}

constexpr std::array<std::pair<std::string_view, StartedFn>, 4> kStartedRows = {{
    {"increase", StartedRate<RateKind::kIncrease>},
    {"irate", StartedInstantRate},
    {"rate", StartedRate<RateKind::kRate>},
    {"resets", StartedResets},
}};

}  // namespace

StartedFn FindStartedKernel(std::string_view function) {
  for (const auto& [name, kernel] : kStartedRows) {
    if (name == function) return kernel;
  }
  return nullptr;
}

bool HasOverlappingStarts(const StartedWindow& window) {
  for (size_t i = 1; i < window.values.size(); ++i) {
    if (StartsOverlap(SampleAt(window, i - 1), SampleAt(window, i))) return true;
  }
  return false;
}

}  // namespace vigil::promql
