// SPDX-License-Identifier: Apache-2.0
// Reads the series of selectors and lays their samples on the grid.
#include <algorithm>

#include "server/promql/engine_evaluator.h"
#include "server/promql/functions_rate.h"

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
    out[i] = column == SampleColumn::kValue ? v : static_cast<double>(t[next - 1]) / 1000;
    ++present;
  }
  return present;
}

// Staleness markers say that a series ended: no window sees them.
void RemoveStaleMarkers(SampleColumns* samples) {
  const auto first = std::ranges::find_if(samples->values, IsStaleNaN);
  if (first == samples->values.end()) return;
  auto kept = static_cast<size_t>(first - samples->values.begin());
  for (size_t i = kept; i < samples->values.size(); ++i) {
    if (IsStaleNaN(samples->values[i])) continue;
    samples->values[kept] = samples->values[i];
    samples->timestamps[kept] = samples->timestamps[i];
    ++kept;
  }
  samples->values.resize(kept);
  samples->timestamps.resize(kept);
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
  const auto series = TRY(query_.store.Select(selector.matchers, hints));
  SampleColumns samples;
  std::vector<double> row(grid_.count);
  std::vector<uint32_t> per_step(counts_ ? grid_.count : 0, 0);
  for (size_t i = 0; i < series->size(); ++i) {
    TRY(query_.CheckAlive());
    samples.Clear();
    TRY(series->Read(i, &samples));
    query_.stats.samples_read += static_cast<int64_t>(samples.size());
    TRY(query_.CheckRoom(grid_.count));
    if (selector.smoothed) RemoveStaleMarkers(&samples);
    const size_t present = selector.smoothed ? SmoothedSamples(samples, times, row)
                                             : NewestSamples(samples, times, column, row);
    if (present == 0) continue;
    for (size_t step = 0; step < per_step.size(); ++step) {
      per_step[step] += IsStaleNaN(row[step]) ? 0 : 1;
    }
    TRY(sink.Take({series->labels(i), false, row}));
  }
  for (size_t step = 0; step < per_step.size(); ++step) CountSamples(step, per_step[step]);
  for (const std::string& warning : series->warnings()) query_.notes.AddStoreWarning(warning);
  return Ok();
}

Result<void> Evaluator::StoreSamples(const VectorSelector& selector, const WindowSpec& spec,
                                     std::string_view function, SamplesSink& sink) {
  const bool extended = spec.anchored || spec.smoothed;
  const TimestampMs last_end = spec.first_end + static_cast<int64_t>(grid_.count - 1) * spec.stride;
  storage::SelectHints hints;
  hints.start = spec.first_end - spec.range_ms + 1 - (extended ? query_.lookback_ms : 0);
  hints.end = last_end + (spec.smoothed ? query_.lookback_ms : 0);
  hints.step_ms = query_.times.step;
  hints.range_ms = spec.range_ms;
  hints.function = function;
  const auto series = TRY(query_.store.Select(selector.matchers, hints));
  SampleColumns samples;
  for (size_t i = 0; i < series->size(); ++i) {
    TRY(query_.CheckAlive());
    samples.Clear();
    TRY(series->Read(i, &samples));
    query_.stats.samples_read += static_cast<int64_t>(samples.size());
    TRY(query_.CheckRoom(samples.size()));
    RemoveStaleMarkers(&samples);
    if (samples.empty()) continue;
    TRY(sink.Take(series->labels(i), false, samples));
  }
  for (const std::string& warning : series->warnings()) query_.notes.AddStoreWarning(warning);
  return Ok();
}

}  // namespace vigil::promql
