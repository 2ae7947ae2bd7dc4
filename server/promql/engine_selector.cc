// SPDX-License-Identifier: Apache-2.0
// Reads the series of selectors and lays their samples on the grid.
#include <algorithm>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_math.h"
#include "server/promql/engine_evaluator.h"
#include "server/promql/functions_rate.h"
#include "server/promql/query_profile.h"
#include "server/promql/range_histogram.h"
#include "server/promql/stand_ins.h"
#include "server/promql/summed_windows.h"
#include "server/promql/wide.h"

namespace vigil::promql {
namespace {

// When the samples for each step are looked up.
struct LookupTimes {
  TimestampMs first = 0;
  int64_t stride = 0;
  size_t count = 1;
  DurationMs lookback = 0;

  [[nodiscard]] TimestampMs at(size_t i) const { return first + static_cast<int64_t>(i) * stride; }
  [[nodiscard]] TimestampMs last() const { return at(count - 1); }
};

TimestampMs TimeOf(const SampleColumns& samples, size_t i, SampleColumn column) {
  if (column == SampleColumn::kTimestamp) return samples.timestamps[i];
  return samples.start_timestamps.empty() ? 0 : samples.start_timestamps[i];
}

// The newest sample of the lookback before each step, unless it is a staleness marker.
size_t NewestSamples(const SampleColumns& samples, const LookupTimes& times, SampleColumn column,
                     std::span<double> out) {
  const std::vector<TimestampMs>& t = samples.timestamps;
  const auto start = std::ranges::upper_bound(t, times.first);
  auto next = static_cast<size_t>(start - t.begin());
  size_t present = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const TimestampMs at = times.at(i);
    while (next < t.size() && t[next] <= at) ++next;
    out[i] = StaleNaN();
    if (next == 0 || t[next - 1] <= at - times.lookback) continue;
    const double v = samples.values[next - 1];
    if (IsStaleNaN(v)) continue;
    out[i] = column == SampleColumn::kValue
                 ? v
                 : static_cast<double>(TimeOf(samples, next - 1, column)) / 1000;
    ++present;
  }
  return present;
}

// The same among histograms: one stands where it is newer than the floats of the lookback, which
// it hides. Returns how many float samples it hid and how many samples there are of its own.
struct NewestHistograms {
  size_t hidden = 0;
  size_t present = 0;
};
NewestHistograms AddNewestHistograms(const SampleColumns& samples, const LookupTimes& times,
                                     SampleColumn column, std::span<double> values,
                                     std::span<HistogramPtr> out) {
  NewestHistograms found;
  const std::vector<TimestampMs>& t = samples.timestamps;
  const std::vector<HistogramSample>& h = samples.histograms;
  size_t next_float = 0;
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const TimestampMs at = times.at(i);
    while (next < h.size() && h[next].timestamp <= at) ++next;
    while (next_float < t.size() && t[next_float] <= at) ++next_float;
    if (next == 0 || h[next - 1].timestamp <= at - times.lookback) continue;
    // A staleness marker is a float and hides older histograms.
    if (next_float > 0 && t[next_float - 1] > h[next - 1].timestamp) continue;
    found.hidden += IsStaleNaN(values[i]) ? 0 : 1;
    ++found.present;
    if (column == SampleColumn::kValue) {
      values[i] = StaleNaN();
      out[i] = h[next - 1].histogram;
    } else {
      const bool start = column == SampleColumn::kStartTimestamp;
      values[i] =
          static_cast<double>(start ? h[next - 1].start_timestamp : h[next - 1].timestamp) / 1000;
    }
  }
  return found;
}

// Says of each histogram whether the counter was reset since the one before, where the writer left
// it open.
void WorkOutResets(std::vector<HistogramSample>* samples) {
  for (size_t i = samples->size(); i-- > 1;) {
    const Histogram& histogram = *(*samples)[i].histogram;
    if (histogram.reset_hint != CounterResetHint::kUnknown) continue;
    const bool reset = DetectReset(histogram, *(*samples)[i - 1].histogram);
    auto known = std::make_shared<Histogram>(histogram);
    known->reset_hint = reset ? CounterResetHint::kReset : CounterResetHint::kNotReset;
    (*samples)[i].histogram = std::move(known);
  }
}

// Without the feature nobody looks at them.
void ForgetStartTimes(SampleColumns* samples) {
  samples->start_timestamps.clear();
  for (HistogramSample& sample : samples->histograms) sample.start_timestamp = 0;
}

// Staleness markers say that a series ended: no window sees them.
void RemoveStaleMarkers(SampleColumns* samples) {
  if (!AnyNaN(samples->values)) return;
  const auto first = std::ranges::find_if(samples->values, IsStaleNaN);
  auto kept = static_cast<size_t>(first - samples->values.begin());
  for (size_t i = kept; i < samples->values.size(); ++i) {
    if (IsStaleNaN(samples->values[i])) continue;
    samples->values[kept] = samples->values[i];
    samples->timestamps[kept] = samples->timestamps[i];
    if (!samples->start_timestamps.empty()) {
      samples->start_timestamps[kept] = samples->start_timestamps[i];
    }
    ++kept;
  }
  samples->values.resize(kept);
  samples->timestamps.resize(kept);
  if (!samples->start_timestamps.empty()) samples->start_timestamps.resize(kept);
}

// The line between the neighbours of each step; after the last sample its value, as long as the
// lookback lets it.
size_t SmoothedSamples(const SampleColumns& samples, const LookupTimes& times,
                       std::span<double> out) {
  const std::vector<TimestampMs>& t = samples.timestamps;
  size_t next = 0;
  size_t present = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const TimestampMs at = times.at(i);
    while (next < t.size() && t[next] <= at) ++next;
    out[i] = StaleNaN();
    if (next == 0 || t[next - 1] <= at - times.lookback) continue;
    const double before = samples.values[next - 1];
    if (t[next - 1] == at || next == t.size() || t[next] > at + times.lookback) {
      out[i] = before;
    } else {
      out[i] = Interpolate(t[next - 1], before, t[next], samples.values[next], at, Slope::kGauge);
    }
    ++present;
  }
  return present;
}

// The same for series with native histograms. Where floats and histograms stand near each other
// there is no line between them, and no result.
class HistogramSmoother {
 public:
  HistogramSmoother(const SampleColumns& samples, const LookupTimes& times, const RangeNotes& notes)
      : t_(samples.timestamps), h_(samples.histograms), times_(times), notes_(notes) {}

  // Returns how many samples of either kind there are.
  size_t Run(std::span<double> row, std::span<HistogramPtr> out) const {
    size_t present = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      const TimestampMs at = times_.at(i);
      if (HasHistogramNear(at)) {
        if (HasFloatNear(at)) {
          notes_.Mixed();
        } else {
          out[i] = At(at);
        }
        row[i] = StaleNaN();
      }
      present += IsStaleNaN(row[i]) && out[i] == nullptr ? 0 : 1;
    }
    return present;
  }

 private:
  [[nodiscard]] size_t Behind(TimestampMs t) const {
    return static_cast<size_t>(std::ranges::upper_bound(h_, t, {}, &HistogramSample::timestamp) -
                               h_.begin());
  }
  [[nodiscard]] bool HasHistogramNear(TimestampMs at) const {
    return Behind(at - times_.lookback) < Behind(at + times_.lookback);
  }
  [[nodiscard]] bool HasFloatNear(TimestampMs at) const {
    const auto first = std::ranges::upper_bound(t_, at - times_.lookback);
    return first != t_.end() && *first <= at + times_.lookback;
  }

  [[nodiscard]] HistogramPtr At(TimestampMs at) const {
    const size_t behind = Behind(at);
    if (behind == 0 || h_[behind - 1].timestamp <= at - times_.lookback) return nullptr;
    const HistogramSample& before = h_[behind - 1];
    if (before.timestamp == at) return before.histogram;
    if (behind == h_.size() || h_[behind].timestamp > at + times_.lookback) {
      // Carried on; the hint is about the sample before, not about the value.
      auto carried = std::make_shared<Histogram>(*before.histogram);
      carried->reset_hint = CounterResetHint::kUnknown;
      return carried;
    }
    const bool gauge = before.histogram->reset_hint == CounterResetHint::kGauge &&
                       h_[behind].histogram->reset_hint == CounterResetHint::kGauge;
    if (UsesCustomBuckets(*before.histogram) != UsesCustomBuckets(*h_[behind].histogram)) {
      notes_.MixedSchemas();
      return nullptr;
    }
    return InterpolateHistograms(before, h_[behind], at, gauge ? Slope::kGauge : Slope::kCounter,
                                 notes_);
  }

  const std::vector<TimestampMs>& t_;
  const std::vector<HistogramSample>& h_;
  const LookupTimes& times_;
  const RangeNotes& notes_;
};

}  // namespace

Result<void> Evaluator::SelectorRows(const VectorSelector& selector, SampleColumn column,
                                     RowSink& sink) {
  const PlanNode& node = query_.plan.node(selector);
  const LookupTimes times{node.at_ms.value_or(grid_.start) - node.offset_ms,
                          node.at_ms ? 0 : grid_.step, grid_.count, query_.lookback_ms};
  storage::SelectHints hints;
  hints.start = times.first - times.lookback + 1;
  hints.end = times.last() + (selector.smoothed ? times.lookback : 0);
  hints.step_ms = query_.times.step;
  hints.windows = {times.first, times.stride, times.lookback, times.count};
  AllowStandInsOfInstant(query_, selector, column, &hints);
  NoteEvaluation(selector);
  const auto series = TRY(Select(selector, hints));
  InstantBuckets buckets(selector, column, *series);
  SampleColumns samples;
  std::vector<double> row(grid_.count);
  std::vector<HistogramPtr> histograms;
  std::vector<uint32_t> per_step(counts_ ? grid_.count : 0, 0);
  for (size_t i = 0; i < series->size(); ++i) {
    TRY(query_.CheckAlive());
    samples.Clear();
    {
      const ProfileScope scope(query_.profile, &selector);
      TRY(buckets.Read(i, &samples));
      query_.stats.samples_read += static_cast<int64_t>(SamplesCost(samples) + buckets.size());
    }
    TRY(query_.CheckRoom(grid_.count));
    if (selector.smoothed) RemoveStaleMarkers(&samples);
    size_t present = selector.smoothed ? SmoothedSamples(samples, times, row)
                                       : NewestSamples(samples, times, column, row);
    present += buckets.Fill(samples, hints.windows, row);
    histograms.clear();
    if (!samples.histograms.empty()) {
      histograms.resize(column == SampleColumn::kValue ? grid_.count : 0);
      if (node.histogram_stats) WorkOutResets(&samples.histograms);
      if (selector.smoothed) {
        const RangeNotes notes{query_.notes, selector.pos, series->labels(i).MetricName()};
        present = HistogramSmoother(samples, times, notes).Run(row, histograms);
      } else {
        const NewestHistograms found = AddNewestHistograms(samples, times, column, row, histograms);
        present += found.present - found.hidden;
      }
    }
    if (present == 0) continue;
    for (size_t step = 0; step < per_step.size(); ++step) {
      per_step[step] += IsStaleNaN(row[step]) ? 0 : 1;
    }
    for (size_t step = 0; step < histograms.size() && step < per_step.size(); ++step) {
      if (histograms[step] == nullptr) continue;
      per_step[step] += static_cast<uint32_t>(SampleCost(*histograms[step]));
    }
    TRY(sink.Take({series->labels(i), false, row, histograms}));
  }
  for (size_t step = 0; step < per_step.size(); ++step) CountSamples(step, per_step[step]);
  buckets.Report(&query_.notes);
  for (const std::string& warning : series->warnings()) query_.notes.AddStoreWarning(warning);
  return Ok();
}

Result<HeldSeries> Evaluator::SelectRange(const VectorSelector& selector, const WindowSpec& spec,
                                          std::string_view function) {
  const bool extended = spec.anchored || spec.smoothed;
  const TimestampMs last_end = spec.first_end + static_cast<int64_t>(grid_.count - 1) * spec.stride;
  storage::SelectHints hints;
  hints.start = spec.first_end - spec.range_ms + 1 - (extended ? query_.lookback_ms : 0);
  hints.end = last_end + (spec.smoothed ? query_.lookback_ms : 0);
  hints.step_ms = query_.times.step;
  hints.range_ms = spec.range_ms;
  hints.function = function;
  hints.windows = {spec.first_end, spec.stride, spec.range_ms, grid_.count};
  AllowStandIns(query_, selector, function, &hints);
  NoteEvaluation(selector);
  return Select(selector, hints);
}

Result<HeldSeries> Evaluator::Select(const VectorSelector& selector,
                                     const storage::SelectHints& hints) {
  const ProfileScope scope(query_.profile, &selector);
  HeldSeries series = TRY(query_.Select(selector.matchers, hints));
  if (query_.profile != nullptr && series->stand_ins() != storage::StandIns::kNone) {
    query_.profile->node(selector).stand_ins = series->stand_ins();
  }
  return series;
}

void TidyRange(const QueryContext& query, const VectorSelector& selector, SampleColumns* samples) {
  if (!query.options.use_start_timestamps) ForgetStartTimes(samples);
  RemoveStaleMarkers(samples);
  if (!samples->histograms.empty() && query.plan.node(selector).histogram_stats) {
    WorkOutResets(&samples->histograms);
  }
}

Result<void> ReadRange(const QueryContext& query, const VectorSelector& selector,
                       const storage::SeriesSet& series, size_t i, SampleColumns* samples) {
  samples->Clear();
  TRY(series.Read(i, samples));
  TidyRange(query, selector, samples);
  return Ok();
}

Result<void> Evaluator::ReadSeries(const VectorSelector& selector, const storage::SeriesSet& series,
                                   SamplesSink& sink) {
  const bool rolled_up = series.stand_ins() == storage::StandIns::kRollups;
  RollupNotes rollup_notes;
  SampleColumns samples;
  for (size_t i = 0; i < series.size(); ++i) {
    TRY(query_.CheckAlive());
    size_t cost = 0;
    {
      const ProfileScope scope(query_.profile, &selector);
      if (rolled_up) {
        TRY(ReadThinned(series, i, &rollup_notes, &samples));
        TidyRange(query_, selector, &samples);
      } else {
        TRY(ReadRange(query_, selector, series, i, &samples));
      }
      cost = SamplesCost(samples);
      query_.stats.samples_read += static_cast<int64_t>(cost);
    }
    if (cost == 0) continue;
    TRY(query_.CheckRoom(cost));
    TRY(sink.Take(series.labels(i), false, samples));
  }
  rollup_notes.Report(selector, RollupNotes::How::kThinned, SummedFunction::kNone, &query_.notes);
  return Ok();
}

Result<void> Evaluator::StoreSamples(const VectorSelector& selector, const WindowSpec& spec,
                                     std::string_view function, SamplesSink& sink) {
  const auto series = TRY(SelectRange(selector, spec, function));
  TRY(ReadSeries(selector, *series, sink));
  for (const std::string& warning : series->warnings()) query_.notes.AddStoreWarning(warning);
  return Ok();
}

}  // namespace vigil::promql
