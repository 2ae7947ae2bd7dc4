// SPDX-License-Identifier: Apache-2.0
#include "server/promql/summed_windows.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "server/promql/functions_rate.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

using enum storage::SummaryColumn;
using storage::RiseOf;

// One window: summaries [first, last) and samples [lo, hi), which lie beside each other in time.
struct Window {
  TimestampMs start = 0;  // exclusive
  TimestampMs end = 0;
  size_t first = 0;
  size_t last = 0;
  size_t lo = 0;
  size_t hi = 0;
};

// Calls each sample and each summary of the window by rising time: visitor.Sample(time, value),
// visitor.Summary(index).
template <typename Visitor>
void Walk(const SummedSeries& series, const Window& window, Visitor& visitor) {
  size_t next = window.lo;
  for (size_t k = window.first; k < window.last; ++k) {
    for (; next < window.hi && series.samples.timestamps[next] <= series.summaries.begins[k];
         ++next) {
      visitor.Sample(series.samples.timestamps[next], series.samples.values[next]);
    }
    visitor.Summary(k);
  }
  for (; next < window.hi; ++next) {
    visitor.Sample(series.samples.timestamps[next], series.samples.values[next]);
  }
}

struct Counter {
  const storage::SummaryColumns& summaries;
  double count = 0;

  void Sample(TimestampMs /*time*/, double /*value*/) { count += 1; }
  void Summary(size_t k) { count += summaries.of(kCount)[k]; }
};

struct Summer {
  const storage::SummaryColumns& summaries;
  KahanSum sum;

  void Sample(TimestampMs /*time*/, double value) { sum.Add(value); }
  void Summary(size_t k) { sum.Add(summaries.of(kSum)[k]); }
};

// As the plain kernels: a value beats NaN, and of equals the first stays.
struct Extreme {
  const std::vector<double>& column;
  bool greatest;
  std::optional<double> best;

  void Take(double value) {
    if (!best || (greatest ? value > *best : value < *best) || std::isnan(*best)) best = value;
  }
  void Sample(TimestampMs /*time*/, double value) { Take(value); }
  void Summary(size_t k) { Take(column[k]); }
};

struct Edge {
  const std::vector<double>& column;
  bool newest;
  std::optional<double> value;

  void Take(double v) {
    if (newest || !value) value = v;
  }
  void Sample(TimestampMs /*time*/, double v) { Take(v); }
  void Summary(size_t k) { Take(column[k]); }
};

// What rates are made of when all summaries are chunks without resets: upstream's own sums.
struct Chain {
  const storage::SummaryColumns& summaries;
  RateEdges edges{0, 0, 0, -1};  // gaps: samples less one
  double last = 0;
  std::vector<double> before_resets;

  void Take(TimestampMs from, double first) {
    if (edges.gaps < 0) {
      edges.first = from;
      edges.first_value = first;
    } else if (first < last) {
      before_resets.push_back(last);
    }
  }
  void Sample(TimestampMs time, double value) {
    Take(time, value);
    edges.gaps += 1;
    edges.last = time;
    last = value;
  }
  void Summary(size_t k) {
    Take(summaries.begins[k], summaries.of(kFirst)[k]);
    edges.gaps += summaries.of(kCount)[k];
    edges.last = summaries.ends[k];
    last = summaries.of(kLast)[k];
  }
};

RateKind KindOf(SummedFunction function) {
  return function == SummedFunction::kRate       ? RateKind::kRate
         : function == SummedFunction::kIncrease ? RateKind::kIncrease
                                                 : RateKind::kDelta;
}

std::optional<double> RateOfChunks(SummedFunction function, const SummedSeries& series,
                                   const Window& window) {
  Chain chain{series.summaries};
  Walk(series, window, chain);
  if (function == SummedFunction::kResets) return static_cast<double>(chain.before_resets.size());
  if (chain.edges.gaps < 1) return std::nullopt;
  double difference = chain.last - chain.edges.first_value;
  if (function != SummedFunction::kDelta) {
    for (const double before : chain.before_resets) difference += before;
  }
  const double factor =
      ExtrapolationFactor(chain.edges, window.start, window.end, difference, KindOf(function));
  const double range_s = static_cast<double>(window.end - window.start) / 1000;
  return difference * (function == SummedFunction::kRate ? factor / range_s : factor);
}

// The rise over buckets. Where the bucket before the window ends where the first one begins, it
// counts from that one's last sample, else from the first sample of the window.
struct Climb {
  const storage::SummaryColumns& buckets;
  bool any = false;
  bool anchored = false;
  bool from_sample = false;
  RateEdges edges{0, 0, 0, -1};
  double base = 0;
  double last = 0;
  KahanSum rise;
  size_t bucket = 0;  // the one before, when `after_bucket`
  bool after_bucket = false;

  void Sample(TimestampMs time, double value) {
    if (!any) {
      from_sample = true;
      base = edges.first_value = value;
      edges.first = time;
    } else {
      rise.Add(RiseOf(last, value));
    }
    any = true;
    after_bucket = false;
    edges.gaps += 1;
    edges.last = time;
    last = value;
  }
  void Summary(size_t k) {
    const bool joined = k > 0 && buckets.ends[k - 1] == buckets.begins[k];
    const std::vector<double>& increase = buckets.of(kIncrease);
    if (!any) {
      anchored = joined;
      base = joined ? buckets.of(kLast)[k - 1] : buckets.of(kFirst)[k];
      edges.first = buckets.begins[k];
    } else if (!(after_bucket && joined)) {
      rise.Add(RiseOf(last, buckets.of(kFirst)[k]));
    }
    if (!increase.empty()) rise.Add(increase[k]);
    any = true;
    after_bucket = true;
    edges.gaps += buckets.of(kCount)[k];
    edges.last = buckets.ends[k];
    last = buckets.of(kLast)[k];
  }
};

// How much longer the window is than the buckets in it, when it holds nothing else and its length
// is no multiple of theirs; 1 otherwise.
double Scale(const SummedSeries& series, const Window& window) {
  if (window.lo != window.hi) return 1;
  const int64_t width = series.summaries.ends[window.first] - series.summaries.begins[window.first];
  const int64_t covered =
      series.summaries.ends[window.last - 1] - series.summaries.begins[window.first];
  const int64_t range = window.end - window.start;
  if (std::abs(covered - range) >= width) return 1;
  return static_cast<double>(range) / static_cast<double>(covered);
}

std::optional<double> RateOfBuckets(SummedFunction function, const SummedSeries& series,
                                    const Window& window) {
  Climb climb{.buckets = series.summaries};
  Walk(series, window, climb);
  if (climb.edges.gaps + (climb.anchored ? 1 : 0) < 1) return std::nullopt;
  double difference =
      function == SummedFunction::kDelta ? climb.last - climb.base : climb.rise.Total();
  if (climb.from_sample) {
    difference *=
        ExtrapolationFactor(climb.edges, window.start, window.end, difference, KindOf(function));
  } else {
    difference *= Scale(series, window);
  }
  const double range_s = static_cast<double>(window.end - window.start) / 1000;
  return function == SummedFunction::kRate ? difference / range_s : difference;
}

template <typename Visitor>
Visitor Walked(Visitor visitor, const SummedSeries& series, const Window& window) {
  Walk(series, window, visitor);
  return visitor;
}

std::optional<double> ResultOf(SummedFunction function, const SummedSeries& series,
                               const Window& window) {
  const storage::SummaryColumns& summaries = series.summaries;
  const bool buckets = series.kind == storage::StandIns::kRollups;
  switch (function) {
    case SummedFunction::kNone:
      return std::nullopt;
    case SummedFunction::kPresent:
      return 1;
    case SummedFunction::kCount: {
      const double count = Walked(Counter{summaries}, series, window).count;
      return buckets ? count * Scale(series, window) : count;
    }
    case SummedFunction::kSum:
      return Walked(Summer{summaries, {}}, series, window).sum.Total() * Scale(series, window);
    case SummedFunction::kAvg:
      return Walked(Summer{summaries, {}}, series, window).sum.Total() /
             Walked(Counter{summaries}, series, window).count;
    case SummedFunction::kMin:
      return Walked(Extreme{summaries.of(kMin), false, {}}, series, window).best;
    case SummedFunction::kMax:
      return Walked(Extreme{summaries.of(kMax), true, {}}, series, window).best;
    case SummedFunction::kFirst:
      return Walked(Edge{summaries.of(kFirst), false, {}}, series, window).value;
    case SummedFunction::kLast:
      return Walked(Edge{summaries.of(kLast), true, {}}, series, window).value;
    default:
      return buckets ? RateOfBuckets(function, series, window)
                     : RateOfChunks(function, series, window);
  }
}

// Moves on to the window that ends at `end`. REQUIRES: ends rise from call to call.
void MoveTo(const SummedSeries& series, TimestampMs end, DurationMs range, Window* window) {
  const auto& ends = series.summaries.ends;
  const auto& t = series.samples.timestamps;
  window->end = end;
  window->start = end - range;
  while (window->last < ends.size() && ends[window->last] <= end) ++window->last;
  while (window->first < window->last && ends[window->first] <= window->start) ++window->first;
  while (window->hi < t.size() && t[window->hi] <= end) ++window->hi;
  while (window->lo < window->hi && t[window->lo] <= window->start) ++window->lo;
}

// A window shorter than a bucket may hold no bucket's end: then it is the last bucket that ended
// before it, unless samples say more.
bool Widen(const SummedSeries& series, Window* window) {
  if (window->last == 0 || window->lo != window->hi) return false;
  const size_t k = window->last - 1;
  const int64_t width = series.summaries.ends[k] - series.summaries.begins[k];
  const auto& t = series.samples.timestamps;
  const bool newer = window->lo > 0 && t[window->lo - 1] > series.summaries.ends[k];
  if (newer || window->end - series.summaries.ends[k] >= width) return false;
  window->first = k;
  return true;
}

void NoteBuckets(const SummedSeries& series, const Window& window, RollupNotes* notes) {
  const storage::SummaryColumns& buckets = series.summaries;
  const bool cut = buckets.begins[window.first] < window.start ||
                   (window.last < buckets.size() && buckets.begins[window.last] < window.end);
  notes->Use(buckets.begins[window.first], buckets.ends[window.first], cut);
  notes->Use(buckets.begins[window.last - 1], buckets.ends[window.last - 1], cut);
}

}  // namespace

void RunSummed(SummedFunction function, const WindowSpec& spec, const SummedSeries& series,
               std::span<double> out, std::vector<size_t>* counts, RollupNotes* notes) {
  if (series.summaries.empty()) return;
  const bool buckets = series.kind == storage::StandIns::kRollups;
  Window at;
  for (size_t i = 0; i < out.size(); ++i) {
    MoveTo(series, spec.first_end + static_cast<int64_t>(i) * spec.stride, spec.range_ms, &at);
    Window window = at;
    if (window.first == window.last && !(buckets && Widen(series, &window))) continue;
    out[i] = ResultOf(function, series, window).value_or(StaleNaN());
    if (buckets) {
      (*counts)[i] += window.last - window.first;
      NoteBuckets(series, window, notes);
    } else {
      for (size_t k = window.first; k < window.last; ++k) {
        (*counts)[i] += static_cast<size_t>(series.summaries.of(kCount)[k]);
      }
    }
  }
}

Result<void> InstantBuckets::Read(size_t i, SampleColumns* samples) {
  if (series_.stand_ins() != storage::StandIns::kRollups) return series_.Read(i, samples);
  if (selector_.smoothed) return ReadThinned(series_, i, &notes_, samples);
  return series_.ReadSummed(i, &buckets_, samples);
}

size_t InstantBuckets::Fill(const SampleColumns& samples, const storage::WindowsHint& steps,
                            std::span<double> row) {
  if (buckets_.empty() || column_ == SampleColumn::kStartTimestamp) return 0;
  return FillFromBuckets(buckets_, samples, steps, column_ == SampleColumn::kTimestamp, row,
                         &notes_);
}

void InstantBuckets::Report(Annotations* notes) const {
  using How = RollupNotes::How;
  notes_.Report(selector_, selector_.smoothed ? How::kThinned : How::kInstants,
                SummedFunction::kNone, notes);
}

size_t FillFromBuckets(const storage::SummaryColumns& buckets, const SampleColumns& samples,
                       const storage::WindowsHint& steps, bool times, std::span<double> row,
                       RollupNotes* notes) {
  const std::vector<TimestampMs>& t = samples.timestamps;
  size_t ended = 0;
  size_t next = 0;
  size_t filled = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const TimestampMs at = steps.first_end + static_cast<int64_t>(i) * steps.stride;
    while (ended < buckets.size() && buckets.ends[ended] <= at) ++ended;
    while (next < t.size() && t[next] <= at) ++next;
    if (ended == 0 || !IsStaleNaN(row[i])) continue;
    const TimestampMs begin = buckets.begins[ended - 1];
    const TimestampMs end = buckets.ends[ended - 1];
    if (at - end >= std::max(end - begin, steps.range_ms)) continue;
    if (next > 0 && t[next - 1] > end) continue;
    row[i] = times ? static_cast<double>(end) / 1000 : buckets.of(kLast)[ended - 1];
    notes->Use(begin, end, at != end);
    ++filled;
  }
  return filled;
}

}  // namespace vigil::promql
