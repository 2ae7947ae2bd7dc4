// SPDX-License-Identifier: Apache-2.0
// Summaries of runs of samples, which stand in for the samples themselves: buckets of roll-ups
// where samples are gone or too many, and whole chunks, which need not be decoded then.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/base/clock.h"

namespace vigil::storage {

enum class SummaryColumn : uint8_t {
  kCount,
  kSum,
  kMin,       // min and max ignore NaN unless there is nothing else
  kMax,       //
  kFirst,     // value of the first sample
  kLast,      //
  kIncrease,  // what a counter rose by; a fall is a reset to zero
};
inline constexpr size_t kSummaryColumns = 7;

// A set of columns.
using SummaryMask = uint8_t;
constexpr SummaryMask MaskOf(SummaryColumn column) {
  return static_cast<SummaryMask>(1U << static_cast<unsigned>(column));
}
template <typename... Columns>
constexpr SummaryMask MaskOf(SummaryColumn column, Columns... more) {
  return static_cast<SummaryMask>(MaskOf(column) | MaskOf(more...));
}
constexpr bool Has(SummaryMask mask, SummaryColumn column) { return (mask & MaskOf(column)) != 0; }

// Summaries of one series as columns, by rising time; none overlaps another. Staleness markers do
// not count. Of roll-ups each holds the samples of (begin, end], and its increase counts from the
// last sample of the bucket before when that ends where this one begins. Of chunks begin and end
// are the times of the first and the last sample.
struct SummaryColumns {
  std::vector<TimestampMs> begins;
  std::vector<TimestampMs> ends;
  std::array<std::vector<double>, kSummaryColumns> values;  // empty unless asked for

  [[nodiscard]] size_t size() const { return ends.size(); }
  [[nodiscard]] bool empty() const { return ends.empty(); }
  [[nodiscard]] std::vector<double>& of(SummaryColumn column) {
    return values[static_cast<size_t>(column)];
  }
  [[nodiscard]] const std::vector<double>& of(SummaryColumn column) const {
    return values[static_cast<size_t>(column)];
  }
  // Keeps capacity.
  void Clear() {
    begins.clear();
    ends.clear();
    for (std::vector<double>& column : values) column.clear();
  }
};

// The windows a reader looks through: window i is (first_end + i * stride - range_ms,
// first_end + i * stride], i < count.
struct WindowsHint {
  TimestampMs first_end = 0;
  int64_t stride = 0;
  int64_t range_ms = 0;
  size_t count = 0;  // 0: not known

  // Whether a window begins or ends between two samples of [first, last], so that some of them are
  // in it and some are not. True when the windows are not known.
  [[nodiscard]] bool Cut(TimestampMs first, TimestampMs last) const;
};

// Which chunks a reader takes as summaries, unless a window cuts them.
struct ChunkSummaryHint {
  SummaryMask columns = 0;      // of kCount, kMin, kMax, kFirst, kLast; 0: it wants all samples
  bool without_resets = false;  // only those in which no value is below the one before
};

// Which roll-ups may stand in for samples. Where samples are gone, any up to the coarsest; where
// they are still there, only `exact_resolution_ms` and only samples of (exact_after, exact_until].
struct RollupHint {
  int64_t max_resolution_ms = 0;    // 0: none
  int64_t exact_resolution_ms = 0;  // at most max_resolution_ms; 0: samples are better
  TimestampMs exact_after = 0;
  TimestampMs exact_until = 0;
  // Samples are replaced however young they are; else only those of the age that the operator set.
  bool any_age = false;
  SummaryMask columns = 0;  // what ReadSummed is to give; Read() needs none
};

// What is in place of samples in a selection.
enum class StandIns : uint8_t { kNone, kRollups, kChunkSummaries };

// `rise` from one value of a counter to the next.
inline double RiseOf(double before, double value) {
  return value >= before ? value - before : value;
}

}  // namespace vigil::storage
