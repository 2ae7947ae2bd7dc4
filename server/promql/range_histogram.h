// SPDX-License-Identifier: Apache-2.0
// Range functions over windows with native histograms, alone or mixed with floats.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "client-lib/model/sample.h"
#include "server/promql/annotations.h"
#include "server/promql/functions_rate.h"

namespace vigil::promql {

// One window, left-open and right-closed, with at least one histogram. Of anchored and smoothed
// selectors it reaches beyond the range, see ExtendedFn.
struct MixedWindow {
  std::span<const TimestampMs> timestamps;
  std::span<const double> values;
  std::span<const TimestampMs> starts;  // of the floats; empty when none is known
  std::span<const HistogramSample> histograms;
  TimestampMs start = 0;  // of the range
  TimestampMs end = 0;
  std::optional<Extension> extension;
  // What the function gives for the floats alone.
  std::optional<double> of_floats;
};

// At most one of them is set.
struct MixedResult {
  std::optional<double> value;
  HistogramPtr histogram;
};

// Where warnings and infos go, and what they are about.
struct RangeNotes {
  Annotations& notes;
  PosRange pos;
  std::string_view metric;

  void Mixed() const { notes.MixedFloatsHistograms(pos, metric); }
  void MixedSchemas() const { notes.MixedSchemas(pos, metric); }
  void NotCounter() const { notes.HistogramNotCounter(pos, metric); }
  void StartTimesOverlap() const { notes.StartTimesOverlap(pos, metric); }
  void NotGauge() const { notes.HistogramNotGauge(pos, metric); }
};

using MixedFn = MixedResult (*)(const MixedWindow& window, const RangeNotes& notes);

// REQUIRES: a function over range vectors. Those without a rule for histograms ignore them.
MixedFn FindMixedKernel(std::string_view function);

// range_histogram_rate.cc. Windows of histograms only.
template <RateKind kKind>
MixedResult HistogramRate(const MixedWindow& window, const RangeNotes& notes);
enum class InstantKind { kRate, kDelta };
MixedResult HistogramLastTwo(const HistogramSample& previous, const HistogramSample& last,
                             InstantKind kind, const RangeNotes& notes);

// *h += other or *h -= other with the notes due; false when their schemas cannot be mixed.
bool AddWithNotes(Histogram* h, const Histogram& other, const RangeNotes& notes);
bool SubtractWithNotes(Histogram* h, const Histogram& other, const RangeNotes& notes);

// The point at time t on the line between two samples; of a counter that was reset in between on
// the line from zero. Null when their schemas cannot be mixed.
std::shared_ptr<Histogram> InterpolateHistograms(const HistogramSample& from,
                                                 const HistogramSample& to, TimestampMs t,
                                                 Slope slope, const RangeNotes& notes);

// range_histogram_extended.cc: anchored and smoothed.
MixedResult ExtendedHistogramRate(const MixedWindow& window, RateKind kind,
                                  const RangeNotes& notes);

}  // namespace vigil::promql
