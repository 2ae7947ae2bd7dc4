// SPDX-License-Identifier: Apache-2.0
#include "server/promql/stand_ins.h"

#include <fmt/format.h>

#include <algorithm>

#include "client-lib/model/duration.h"

namespace vigil::promql {
namespace {

using enum storage::SummaryColumn;
using storage::MaskOf;
using storage::SummaryMask;

constexpr int64_t kFiveMinutes = 300'000;
constexpr int64_t kHour = 3'600'000;
// A single window has at least so many whole buckets.
constexpr int64_t kMinBuckets = 4;

struct Row {
  std::string_view name;
  SummedFunction function;
  SummaryMask of_rollups;  // 0: not from roll-ups
  SummaryMask of_chunks;   // 0: not from chunks
  bool without_resets = false;
};

constexpr SummaryMask kRise = MaskOf(kCount, kFirst, kLast, kIncrease);
constexpr SummaryMask kEdges = MaskOf(kCount, kFirst, kLast);
constexpr std::array<Row, 12> kStandIns = {{
    {"count_over_time", SummedFunction::kCount, MaskOf(kCount), MaskOf(kCount)},
    {"present_over_time", SummedFunction::kPresent, MaskOf(kCount), MaskOf(kCount)},
    {"min_over_time", SummedFunction::kMin, MaskOf(kMin), MaskOf(kMin)},
    {"max_over_time", SummedFunction::kMax, MaskOf(kMax), MaskOf(kMax)},
    {"first_over_time", SummedFunction::kFirst, MaskOf(kFirst), MaskOf(kFirst)},
    {"last_over_time", SummedFunction::kLast, MaskOf(kLast), MaskOf(kLast)},
    {"sum_over_time", SummedFunction::kSum, MaskOf(kSum), 0},
    {"avg_over_time", SummedFunction::kAvg, MaskOf(kSum, kCount), 0},
    {"rate", SummedFunction::kRate, kRise, kEdges, true},
    {"increase", SummedFunction::kIncrease, kRise, kEdges, true},
    {"delta", SummedFunction::kDelta, kEdges, kEdges},
    {"resets", SummedFunction::kResets, 0, kEdges, true},
}};

const Row* FindRow(std::string_view function) {
  const auto found =
      std::ranges::find_if(kStandIns, [function](const Row& row) { return row.name == function; });
  return found == kStandIns.end() ? nullptr : &*found;
}

TimestampMs Floor(TimestampMs time, int64_t width) {
  const int64_t into = time % width;
  return time - (into < 0 ? into + width : into);
}

bool AllOnBorders(const storage::WindowsHint& windows, int64_t width) {
  return windows.first_end % width == 0 && windows.range_ms % width == 0 &&
         (windows.count <= 1 || windows.stride % width == 0);
}

// Samples of `width` long buckets may go where they are still there.
void AllowExact(int64_t width, TimestampMs after, TimestampMs until, storage::RollupHint* hint) {
  hint->exact_resolution_ms = width;
  hint->exact_after = after;
  hint->exact_until = until;
}

void AllowExactWindows(const storage::WindowsHint& windows, int64_t width, bool anywhere,
                       storage::RollupHint* hint) {
  const TimestampMs first = windows.first_end - windows.range_ms;
  const TimestampMs last =
      windows.first_end + static_cast<int64_t>(windows.count - 1) * windows.stride;
  if (windows.range_ms < width) return;
  const bool single = windows.count == 1 || windows.stride == 0;
  if (AllOnBorders(windows, width)) {
    // Rises count from the bucket before.
    const bool rises = Has(hint->columns, kFirst) && Has(hint->columns, kLast);
    AllowExact(width, rises ? first - width : first, last, hint);
  } else if (single && windows.range_ms >= kMinBuckets * width) {
    AllowExact(width, Floor(first + width - 1, width), Floor(last, width), hint);
  } else if (anywhere) {
    AllowExact(width, Floor(first, width), Floor(last, width), hint);
  }
}

// Tries the coarser resolution first.
template <typename Allow>
void EachWidth(storage::RollupHint* hint, Allow allow) {
  for (const int64_t width : {kHour, kFiveMinutes}) {
    if (width <= hint->max_resolution_ms && hint->exact_resolution_ms == 0) allow(width);
  }
}

void SetCoarsest(const QueryContext& query, storage::RollupHint* hint) {
  const DurationMs asked = query.request.max_source_resolution_ms;
  hint->max_resolution_ms = asked < 0 ? kHour : asked;
  hint->any_age = asked > 0;
}

}  // namespace

SummedFunction FindSummed(std::string_view function, storage::StandIns stand_ins) {
  const Row* row = FindRow(function);
  if (row == nullptr || stand_ins == storage::StandIns::kNone) return SummedFunction::kNone;
  const bool can =
      (stand_ins == storage::StandIns::kRollups ? row->of_rollups : row->of_chunks) != 0;
  return can ? row->function : SummedFunction::kNone;
}

void AllowStandIns(const QueryContext& query, const VectorSelector& selector,
                   std::string_view function, storage::SelectHints* hints) {
  SetCoarsest(query, &hints->rollups);
  const Row* row = selector.anchored || selector.smoothed ? nullptr : FindRow(function);
  if (row == nullptr) return;
  if (row->of_chunks != 0 && !query.options.use_start_timestamps) {
    hints->chunk_summaries = {row->of_chunks, row->without_resets};
  }
  if (row->of_rollups == 0) return;
  hints->rollups.columns = row->of_rollups;
  EachWidth(&hints->rollups, [&](int64_t width) {
    AllowExactWindows(hints->windows, width, hints->rollups.any_age, &hints->rollups);
  });
}

void AllowStandInsOfInstant(const QueryContext& query, const VectorSelector& selector,
                            SampleColumn column, storage::SelectHints* hints) {
  SetCoarsest(query, &hints->rollups);
  const storage::WindowsHint& windows = hints->windows;
  if (selector.smoothed || column != SampleColumn::kValue || windows.count <= 1) return;
  const bool anywhere = hints->rollups.any_age;
  EachWidth(&hints->rollups, [&](int64_t width) {
    const bool same = width <= windows.range_ms && windows.first_end % width == 0 &&
                      windows.stride % width == 0 && windows.stride > 0;
    if (!same && !(anywhere && windows.stride >= width)) return;
    const TimestampMs last =
        windows.first_end + static_cast<int64_t>(windows.count - 1) * windows.stride;
    AllowExact(width, Floor(windows.first_end, width) - width, Floor(last, width), &hints->rollups);
  });
}

void RollupNotes::Use(TimestampMs begin, TimestampMs end, bool cut) {
  cut_ = cut_ || cut;
  Span& span = spans_[end - begin > kFiveMinutes ? 1 : 0];
  if (span.width == 0) span = {end - begin, begin, end};
  span.begin = std::min(span.begin, begin);
  span.end = std::max(span.end, end);
}

void RollupNotes::Report(const VectorSelector& selector, How how, SummedFunction function,
                         Annotations* notes) const {
  std::string_view what = "exact";
  if (how == How::kThinned) {
    what = "one sample per bucket, its last";
  } else if (how == How::kInstants) {
    what = cut_ ? "the last value of the bucket before" : "the last value of each bucket";
  } else if (cut_) {
    what = "windows are rounded to whole buckets";
  } else if (function == SummedFunction::kSum || function == SummedFunction::kAvg) {
    what = "exact but for rounding";
  } else if (function == SummedFunction::kRate || function == SummedFunction::kIncrease ||
             function == SummedFunction::kDelta) {
    what = "counted from the last sample before each window, not extrapolated";
  }
  for (const Span& span : spans_) {
    if (span.width == 0) continue;
    notes->Info(selector.pos,
                fmt::format("roll-ups of {} stand in for the samples from {} to {}: {}",
                            FormatDuration(span.width), FormatRfc3339(span.begin),
                            FormatRfc3339(span.end), what));
  }
}

Result<void> ReadThinned(const storage::SeriesSet& series, size_t i, RollupNotes* notes,
                         SampleColumns* samples) {
  storage::SummaryColumns buckets;
  SampleColumns others;
  TRY(series.ReadSummed(i, &buckets, &others));
  samples->Clear();
  samples->histograms = std::move(others.histograms);
  size_t next = 0;
  for (size_t k = 0; k < buckets.size(); ++k) {
    while (next < others.size() && others.timestamps[next] <= buckets.begins[k]) {
      samples->Add(others.timestamps[next], others.values[next]);
      ++next;
    }
    samples->Add(buckets.ends[k], buckets.of(kLast)[k]);
    notes->Use(buckets.begins[k], buckets.ends[k], false);
  }
  for (; next < others.size(); ++next) samples->Add(others.timestamps[next], others.values[next]);
  return Ok();
}

}  // namespace vigil::promql
