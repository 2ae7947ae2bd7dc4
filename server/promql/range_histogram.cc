// SPDX-License-Identifier: Apache-2.0
// Which range function does what with native histograms.
#include "server/promql/range_histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "client-lib/model/histogram_math.h"
#include "server/promql/start_times.h"

namespace vigil::promql {
namespace {

using Samples = std::span<const HistogramSample>;

double Seconds(TimestampMs timestamp) { return static_cast<double>(timestamp) / 1000; }

MixedResult IgnoreHistograms(const MixedWindow& window, const RangeNotes& notes) {
  if (!window.timestamps.empty()) notes.notes.IgnoredInRange(notes.pos, notes.metric);
  return {window.of_floats, nullptr};
}

MixedResult CountOverTime(const MixedWindow& window, const RangeNotes&) {
  return {static_cast<double>(window.timestamps.size() + window.histograms.size()), nullptr};
}

MixedResult PresentOverTime(const MixedWindow&, const RangeNotes&) { return {1, nullptr}; }

MixedResult LastOverTime(const MixedWindow& window, const RangeNotes&) {
  const HistogramSample& last = window.histograms.back();
  if (!window.timestamps.empty() && window.timestamps.back() > last.timestamp) {
    return {window.values.back(), nullptr};
  }
  return {std::nullopt, last.histogram};
}

MixedResult FirstOverTime(const MixedWindow& window, const RangeNotes&) {
  const HistogramSample& first = window.histograms.front();
  if (!window.timestamps.empty() && window.timestamps.front() < first.timestamp) {
    return {window.values.front(), nullptr};
  }
  return {std::nullopt, first.histogram};
}

MixedResult TsOfLastOverTime(const MixedWindow& window, const RangeNotes&) {
  TimestampMs last = window.histograms.back().timestamp;
  if (!window.timestamps.empty()) last = std::max(last, window.timestamps.back());
  return {Seconds(last), nullptr};
}

MixedResult TsOfFirstOverTime(const MixedWindow& window, const RangeNotes&) {
  TimestampMs first = window.histograms.front().timestamp;
  if (!window.timestamps.empty()) first = std::min(first, window.timestamps.front());
  return {Seconds(first), nullptr};
}

// Sum or mean of the histograms of one window.
template <typename Total, Histogram (Total::*kGet)() const>
MixedResult AggregateOverTime(const MixedWindow& window, const RangeNotes& notes) {
  if (!window.timestamps.empty()) {
    notes.Mixed();
    return {};
  }
  bool reset = false;
  bool not_reset = false;
  bool reconciled = false;
  std::optional<Total> total;
  for (const HistogramSample& sample : window.histograms) {
    reset = reset || sample.histogram->reset_hint == CounterResetHint::kReset;
    not_reset = not_reset || sample.histogram->reset_hint == CounterResetHint::kNotReset;
    if (!total) {
      total.emplace(*sample.histogram);
      continue;
    }
    const HistogramMerge merge = total->Add(*sample.histogram);
    reconciled = reconciled || merge.bounds_reconciled;
    if (merge.incompatible) {
      notes.MixedSchemas();
      return {};
    }
  }
  if (reset && not_reset) notes.notes.ResetCollision(notes.pos, "aggregation");
  if (reconciled) notes.notes.BoundsReconciled(notes.pos, "aggregation");
  return {std::nullopt, std::make_shared<const Histogram>(((*total).*kGet)())};
}

template <InstantKind kKind>
MixedResult LastTwo(const MixedWindow& window, const RangeNotes& notes) {
  const Samples h = window.histograms;
  const TimestampMs last = h.back().timestamp;
  const size_t floats_behind = static_cast<size_t>(
      window.timestamps.end() - std::ranges::upper_bound(window.timestamps, last));
  // The two newest samples are floats, both histograms, or one of each.
  if (floats_behind >= 2) return {window.of_floats, nullptr};
  const size_t floats = window.timestamps.size();
  if (floats + h.size() < 2) return {};
  const bool previous_is_float =
      h.size() < 2 || (floats > 0 && window.timestamps.back() > h[h.size() - 2].timestamp);
  if (floats_behind == 1 || previous_is_float) {
    notes.Mixed();
    return {};
  }
  return HistogramLastTwo(h[h.size() - 2], h.back(), kKind, notes);
}

// Samples of both kinds in order of time, from the anchor on when the selector is anchored.
// f(previous, current) gets, for each, the value and the histogram (null for floats).
template <typename F>
bool ForEachPair(const MixedWindow& window, F f) {
  struct Point {
    double value = 0;
    const Histogram* histogram = nullptr;
    StartedSample times;
  };
  const Samples h = window.histograms;
  const auto& t = window.timestamps;
  size_t next_float = 0;
  size_t next = 0;
  std::optional<Point> previous;
  bool inside = !window.extension;
  while (next_float < t.size() || next < h.size()) {
    const bool take_float =
        next >= h.size() || (next_float < t.size() && t[next_float] < h[next].timestamp);
    const TimestampMs at = take_float ? t[next_float] : h[next].timestamp;
    Point point;
    point.times.timestamp = at;
    if (take_float) {
      if (!window.starts.empty()) point.times.start = window.starts[next_float];
      point.value = window.values[next_float++];
    } else {
      point.times.start = h[next].start_timestamp;
      point.histogram = h[next++].histogram.get();
    }
    // Of what lies before the range only the newest sample counts.
    if (at > window.start) {
      inside = true;
      if (previous) f(*previous, point);
    }
    previous = point;
  }
  return inside;
}

MixedResult Resets(const MixedWindow& window, const RangeNotes&) {
  double resets = 0;
  const bool inside = ForEachPair(window, [&](const auto& a, const auto& b) {
    if ((a.histogram == nullptr) != (b.histogram == nullptr)) {
      resets += 1;
    } else if (RestartedBetween(a.times, b.times) ||
               (b.histogram == nullptr ? b.value < a.value
                                       : DetectReset(*b.histogram, *a.histogram))) {
      resets += 1;
    }
  });
  if (!inside) return {};
  return {resets, nullptr};
}

MixedResult Changes(const MixedWindow& window, const RangeNotes&) {
  double changes = 0;
  const bool inside = ForEachPair(window, [&](const auto& a, const auto& b) {
    if ((a.histogram == nullptr) != (b.histogram == nullptr)) {
      changes += 1;
    } else if (b.histogram != nullptr) {
      changes += SameHistogram(*a.histogram, *b.histogram) ? 0 : 1;
    } else if (b.value != a.value && !(std::isnan(a.value) && std::isnan(b.value))) {
      changes += 1;
    }
  });
  if (!inside) return {};
  return {changes, nullptr};
}

constexpr std::array<std::pair<std::string_view, MixedFn>, 15> kMixedKernels = {{
    {"avg_over_time", AggregateOverTime<HistogramMean, &HistogramMean::Mean>},
    {"changes", Changes},
    {"count_over_time", CountOverTime},
    {"delta", HistogramRate<RateKind::kDelta>},
    {"first_over_time", FirstOverTime},
    {"idelta", LastTwo<InstantKind::kDelta>},
    {"increase", HistogramRate<RateKind::kIncrease>},
    {"irate", LastTwo<InstantKind::kRate>},
    {"last_over_time", LastOverTime},
    {"present_over_time", PresentOverTime},
    {"rate", HistogramRate<RateKind::kRate>},
    {"resets", Resets},
    {"sum_over_time", AggregateOverTime<HistogramSum, &HistogramSum::Total>},
    {"ts_of_first_over_time", TsOfFirstOverTime},
    {"ts_of_last_over_time", TsOfLastOverTime},
}};

}  // namespace

MixedFn FindMixedKernel(std::string_view function) {
  for (const auto& [name, kernel] : kMixedKernels) {
    if (name == function) return kernel;
  }
  return IgnoreHistograms;
}

}  // namespace vigil::promql
