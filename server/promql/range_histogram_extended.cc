// SPDX-License-Identifier: Apache-2.0
// Anchored and smoothed rates of native histograms: no extrapolation, the edges are samples outside
// the range or points on the line between samples.
#include <algorithm>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_math.h"
#include "server/promql/range_histogram.h"

namespace vigil::promql {
namespace {

using enum CounterResetHint;
using Samples = std::span<const HistogramSample>;

// The samples that give the edges of the range.
struct EdgeIndexes {
  size_t first;
  size_t last;
};

EdgeIndexes FindEdges(const MixedWindow& window, bool smoothed) {
  const Samples h = window.histograms;
  const auto behind = [&](TimestampMs t) {
    return static_cast<size_t>(std::ranges::upper_bound(h, t, {}, &HistogramSample::timestamp) -
                               h.begin());
  };
  const size_t newest = h.size() - 1;
  // Never the newest sample's successor: one sample is its own edge.
  const size_t after_start = std::min(behind(window.start), newest);
  const size_t first = after_start == 0 ? 0 : after_start - 1;
  const size_t last = smoothed ? std::min(behind(window.end - 1), newest) : newest;
  return {first, last};
}

// No mix of schemas; counters must not be gauges.
bool CheckSamples(Samples samples, bool counter, const RangeNotes& notes) {
  const bool custom = UsesCustomBuckets(*samples[0].histogram);
  for (const HistogramSample& sample : samples) {
    if (UsesCustomBuckets(*sample.histogram) != custom) {
      notes.MixedSchemas();
      return false;
    }
    if (counter && sample.histogram->reset_hint == kGauge) notes.NotCounter();
  }
  return true;
}

// What resets between the edges took away from a counter; null when there were none.
class ResetCorrection {
 public:
  explicit ResetCorrection(const RangeNotes& notes) : notes_(notes) {}

  // False when schemas cannot be mixed.
  bool Run(Samples h, const EdgeIndexes& edges, const HistogramPtr& left, const Histogram& right,
           bool left_crosses_reset) {
    size_t next = edges.first + 1;
    HistogramPtr previous = left;
    if (left_crosses_reset) previous = h[next++].histogram;
    // The right edge stands for the last sample.
    if (next > edges.last) return true;
    for (; next < edges.last; ++next) {
      if (DetectReset(*h[next].histogram, *previous) && !Add(*previous)) return false;
      previous = h[next].histogram;
    }
    return !DetectReset(right, *previous) || Add(*previous);
  }
  [[nodiscard]] const Histogram* correction() const { return correction_.get(); }

 private:
  bool Add(const Histogram& lost) {
    if (correction_ != nullptr) return AddWithNotes(correction_.get(), lost, notes_);
    correction_ = std::make_unique<Histogram>(lost);
    return true;
  }

  const RangeNotes& notes_;
  std::unique_ptr<Histogram> correction_;
};

}  // namespace

std::shared_ptr<Histogram> InterpolateHistograms(const HistogramSample& from,
                                                 const HistogramSample& to, TimestampMs t,
                                                 Slope slope, const RangeNotes& notes) {
  if (t == from.timestamp) return std::make_shared<Histogram>(*from.histogram);
  auto result = std::make_shared<Histogram>(*to.histogram);
  if (t == to.timestamp) return result;
  const double fraction =
      static_cast<double>(t - from.timestamp) / static_cast<double>(to.timestamp - from.timestamp);
  if (slope == Slope::kCounter && DetectReset(*to.histogram, *from.histogram)) {
    MultiplyHistogram(result.get(), fraction);
    return result;
  }
  if (!SubtractWithNotes(result.get(), *from.histogram, notes)) return nullptr;
  MultiplyHistogram(result.get(), fraction);
  if (!AddWithNotes(result.get(), *from.histogram, notes)) return nullptr;
  return result;
}

MixedResult ExtendedHistogramRate(const MixedWindow& window, RateKind kind,
                                  const RangeNotes& notes) {
  const Samples h = window.histograms;
  const bool smoothed = *window.extension == Extension::kSmoothed;
  const bool counter = kind != RateKind::kDelta;
  const Slope slope = counter ? Slope::kCounter : Slope::kGauge;
  const EdgeIndexes edges = FindEdges(window, smoothed);
  const HistogramSample& first = h[edges.first];
  const HistogramSample& last = h[edges.last];
  if (last.timestamp <= window.start) return {};
  if (smoothed && first.timestamp > window.end) return {};
  if (!CheckSamples(h.subspan(edges.first, edges.last - edges.first + 1), counter, notes)) {
    return {};
  }
  const bool cuts_left = smoothed && first.timestamp < window.start;
  const bool cuts_right = smoothed && edges.last > 0 && last.timestamp > window.end;
  HistogramPtr left = first.histogram;
  if (cuts_left) {
    left = InterpolateHistograms(first, h[edges.first + 1], window.start, slope, notes);
  }
  HistogramPtr right = last.histogram;
  if (cuts_right) right = InterpolateHistograms(h[edges.last - 1], last, window.end, slope, notes);
  if (left == nullptr || right == nullptr) return {};
  if (!counter && (left->reset_hint != kGauge || right->reset_hint != kGauge)) notes.NotGauge();
  auto result = std::make_shared<Histogram>(*right);
  if (!SubtractWithNotes(result.get(), *left, notes)) return {};
  if (counter) {
    // An edge on the line across a reset has the reset in it already.
    const bool crossed = cuts_left && DetectReset(*h[edges.first + 1].histogram, *first.histogram);
    ResetCorrection resets(notes);
    if (!resets.Run(h, edges, left, *right, crossed)) return {};
    if (resets.correction() != nullptr &&
        !AddWithNotes(result.get(), *resets.correction(), notes)) {
      return {};
    }
  }
  if (kind == RateKind::kRate) {
    DivideHistogram(result.get(), static_cast<double>(window.end - window.start) / 1000);
  }
  result->reset_hint = kGauge;
  CompactHistogram(result.get());
  return {std::nullopt, result};
}

}  // namespace vigil::promql
