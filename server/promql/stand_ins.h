// SPDX-License-Identifier: Apache-2.0
// What selectors take in place of samples: roll-ups of old data, summaries of whole chunks. How it
// is decided, and what the answer then is:
//
// Where samples are still there, roll-ups of the width w (1h, else 5m) are taken for those older
// than `storage.rollups.use_after` when the answer stays the same:
//   - functions of the table below, when all windows begin and end on multiples of w: range, step
//     and start (less the offset) are such multiples. A single window (an instant query, @) may lie
//     anywhere when it is at least 4 w long: samples fill the ends.
//   - plain selectors, when w is no longer than the lookback and the steps are multiples of w.
//
//   count_, present_, min_, max_, first_, last_over_time   the same
//   sum_, avg_over_time                                    the same but for rounding
//   increase, rate, delta   measured from the last sample before the window, where the bucket
//   before
//                           has one, to the last one in it, and not extrapolated; from the first
//                           one in it otherwise. Upstream measures between the samples of the
//                           window and extrapolates to its ends. The two agree as far as the slope
//                           at the ends is that of the window. (A window that begins with a sample:
//                           as upstream.)
//   plain selectors         the same, but a series that ended is seen until the bucket's end
//
// Where samples are gone, roll-ups are taken whatever the query: the finest that are left, 1h ones
// when the windows fit them. Then
//   - windows that begin or end inside a bucket hold the buckets that end in them; one shorter than
//     a bucket gets the last bucket that ended before it did. Counts, sums and increases of windows
//     that are no multiple of w are scaled to the window's length.
//   - plain selectors give the last value of the newest bucket that has ended, for as long as the
//     bucket is wide, or the lookback when that is longer.
//   - all other functions see one sample per bucket: the last one, at the bucket's end.
// Of native histograms there is the last one of each bucket, at the bucket's end, and only where
// samples are gone: all functions see these as samples.
//
// An info of the answer names the resolution, the span and which of this it is. The parameter
// max_source_resolution: `0s` takes samples only, `5m` and `1h` nothing coarser and, where they
// serve, roll-ups of any age and for windows that lie anywhere; `auto` is the above.
//
// Chunks that no window cuts are not decoded for min_, max_, count_, present_, first_ and
// last_over_time, resets, rate, increase and delta (the last four: chunks without resets) when that
// saves at least half of the samples. The result has the same bits. sum_ and avg_over_time are not
// among them: their compensated sum depends on every sample.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "server/promql/engine_evaluator.h"
#include "server/storage/storage.h"

namespace vigil::promql {

// Functions that work on summaries.
enum class SummedFunction : uint8_t {
  kNone,
  kCount,
  kPresent,
  kMin,
  kMax,
  kFirst,
  kLast,
  kSum,
  kAvg,
  kRate,
  kIncrease,
  kDelta,
  kResets,
};
// kNone for all others, and when the store cannot give those summaries.
SummedFunction FindSummed(std::string_view function, storage::StandIns stand_ins);

// Says which summaries may stand in for samples of a range selector, or of a plain one (range 0),
// whose windows those of the hints are.
void AllowStandIns(const QueryContext& query, const VectorSelector& selector,
                   std::string_view function, storage::SelectHints* hints);
void AllowStandInsOfInstant(const QueryContext& query, const VectorSelector& selector,
                            SampleColumn column, storage::SelectHints* hints);

// Which roll-ups a selector has used, for the info of the answer.
class RollupNotes {
 public:
  enum class How { kWindows, kInstants, kThinned };

  // The bucket was used; `cut` when a window holds a part of it only.
  void Use(TimestampMs begin, TimestampMs end, bool cut);
  void Report(const VectorSelector& selector, How how, SummedFunction function,
              Annotations* notes) const;

 private:
  struct Span {
    int64_t width = 0;  // 0: none
    TimestampMs begin = 0;
    TimestampMs end = 0;
  };
  std::array<Span, 2> spans_;
  bool cut_ = false;
};

// As series.Read(), and notes the buckets. REQUIRES: the set has roll-ups.
Result<void> ReadThinned(const storage::SeriesSet& series, size_t i, RollupNotes* notes,
                         SampleColumns* samples);

}  // namespace vigil::promql
