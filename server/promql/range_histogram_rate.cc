// SPDX-License-Identifier: Apache-2.0
// Rates and differences of native histograms.
#include <algorithm>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_math.h"
#include "server/promql/range_histogram.h"
#include "server/promql/start_times.h"

namespace vigil::promql {
namespace {

using enum CounterResetHint;
using Samples = std::span<const HistogramSample>;

bool IsGauge(const HistogramSample& sample) { return sample.histogram->reset_hint == kGauge; }

StartedSample TimesOf(const HistogramSample& sample) {
  return {sample.start_timestamp, sample.timestamp};
}

bool WasReset(const HistogramSample& previous, const Histogram& previous_histogram,
              const HistogramSample& sample) {
  return RestartedBetween(TimesOf(previous), TimesOf(sample)) ||
         DetectReset(*sample.histogram, previous_histogram);
}

// A histogram without observations in the layout of another.
Histogram EmptyLike(const Histogram& h) {
  Histogram empty;
  empty.schema = h.schema;
  empty.custom_values = h.custom_values;
  return empty;
}

// The coarsest schema of the window; nothing when exponential and custom buckets are mixed. The
// first sample comes as `first`, the others are looked at only if the function is about counters.
std::optional<int32_t> CommonSchema(Samples samples, const Histogram& first, bool counter) {
  const Histogram& last = *samples.back().histogram;
  if (UsesCustomBuckets(last) != UsesCustomBuckets(first)) return std::nullopt;
  int32_t schema = std::min(last.schema, first.schema);
  if (!counter) return schema;
  for (const HistogramSample& sample : samples.subspan(1, samples.size() - 2)) {
    if (UsesCustomBuckets(*sample.histogram) != UsesCustomBuckets(first)) return std::nullopt;
    schema = std::min(schema, sample.histogram->schema);
  }
  return schema;
}

// Difference between the last and the first sample, resets taken into account.
// REQUIRES: at least two samples.
std::shared_ptr<Histogram> Difference(Samples samples, bool counter, const RangeNotes& notes) {
  if (counter && std::any_of(samples.begin(), samples.end(), IsGauge)) notes.NotCounter();
  HistogramPtr first = samples[0].histogram;
  const Histogram& second = *samples[1].histogram;
  // After a reset the layout of the first sample does not matter.
  if (counter && WasReset(samples[0], *first, samples[1])) {
    first = std::make_shared<const Histogram>(EmptyLike(second));
  }
  const std::optional<int32_t> schema = CommonSchema(samples, *first, counter);
  if (!schema) {
    notes.MixedSchemas();
    return nullptr;
  }
  auto difference = std::make_shared<Histogram>(*samples.back().histogram);
  if (!UsesCustomBuckets(*difference)) ReduceResolution(difference.get(), *schema);
  if (!SubtractWithNotes(difference.get(), *first, notes)) return nullptr;
  if (!counter) {
    if (!IsGauge(samples.front()) || !IsGauge(samples.back())) notes.NotGauge();
  } else {
    const Histogram* previous = first.get();
    bool overlaps = false;
    for (size_t i = 1; i < samples.size(); ++i) {
      overlaps = overlaps || StartsOverlap(TimesOf(samples[i - 1]), TimesOf(samples[i]));
      if (WasReset(samples[i - 1], *previous, samples[i]) &&
          !AddWithNotes(difference.get(), *previous, notes)) {
        return nullptr;
      }
      previous = samples[i].histogram.get();
    }
    if (overlaps) notes.StartTimesOverlap();
  }
  difference->reset_hint = kGauge;
  CompactHistogram(difference.get());
  return difference;
}

}  // namespace

bool AddWithNotes(Histogram* h, const Histogram& other, const RangeNotes& notes) {
  const HistogramMerge merge = AddHistogram(h, other);
  if (merge.incompatible) notes.MixedSchemas();
  if (merge.bounds_reconciled) notes.notes.BoundsReconciled(notes.pos, "addition");
  return !merge.incompatible;
}

bool SubtractWithNotes(Histogram* h, const Histogram& other, const RangeNotes& notes) {
  const HistogramMerge merge = SubtractHistogram(h, other);
  if (merge.incompatible) notes.MixedSchemas();
  if (merge.bounds_reconciled) notes.notes.BoundsReconciled(notes.pos, "subtraction");
  return !merge.incompatible;
}

template <RateKind kKind>
MixedResult HistogramRate(const MixedWindow& window, const RangeNotes& notes) {
  if (!window.timestamps.empty()) {
    notes.Mixed();
    return {};
  }
  if (window.extension) return ExtendedHistogramRate(window, kKind, notes);
  constexpr bool kCounter = kKind != RateKind::kDelta;
  const Samples samples = window.histograms;
  const HistogramSample& first = samples.front();
  const bool from_zero = kCounter && StartsInside(TimesOf(first), window.start);
  if (samples.size() < 2 && !from_zero) return {};
  const RateEdges edges{first.histogram->count, first.timestamp, samples.back().timestamp,
                        static_cast<double>(samples.size() - 1)};
  std::shared_ptr<Histogram> rate;
  if (samples.size() < 2) {
    rate = std::make_shared<Histogram>(*first.histogram);
  } else {
    rate = Difference(samples, kCounter, notes);
    if (rate == nullptr) return {};
    if (from_zero && !AddWithNotes(rate.get(), *first.histogram, notes)) return {};
  }
  double factor = from_zero
                      ? FactorFromZero(edges, first.start_timestamp, window.end)
                      : ExtrapolationFactor(edges, window.start, window.end, rate->count, kKind);
  if (kKind == RateKind::kRate) factor /= static_cast<double>(window.end - window.start) / 1000;
  MultiplyHistogram(rate.get(), factor);
  return {std::nullopt, rate};
}

template MixedResult HistogramRate<RateKind::kRate>(const MixedWindow&, const RangeNotes&);
template MixedResult HistogramRate<RateKind::kIncrease>(const MixedWindow&, const RangeNotes&);
template MixedResult HistogramRate<RateKind::kDelta>(const MixedWindow&, const RangeNotes&);

MixedResult HistogramLastTwo(const HistogramSample& previous, const HistogramSample& last,
                             InstantKind kind, const RangeNotes& notes) {
  const bool rate = kind == InstantKind::kRate;
  if (rate && (IsGauge(previous) || IsGauge(last))) notes.NotCounter();
  if (!rate && !(IsGauge(previous) && IsGauge(last))) notes.NotGauge();
  auto result = std::make_shared<Histogram>(*last.histogram);
  // After a reset the counter went from zero to its value.
  if ((!rate || !WasReset(previous, *previous.histogram, last)) &&
      !SubtractWithNotes(result.get(), *previous.histogram, notes)) {
    return {};
  }
  result->reset_hint = kGauge;
  CompactHistogram(result.get());
  if (rate) {
    DivideHistogram(result.get(), static_cast<double>(last.timestamp - previous.timestamp) / 1000);
  }
  return {std::nullopt, result};
}

}  // namespace vigil::promql
