// SPDX-License-Identifier: Apache-2.0
// What range functions see: the windows of one series over its decoded samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::promql {

// One window, left-open and right-closed. Never empty.
struct RangeWindow {
  std::span<const TimestampMs> timestamps;
  std::span<const double> values;
  TimestampMs start = 0;  // exclusive
  TimestampMs end = 0;    // inclusive
  TimestampMs eval_time = 0;
  // The scalar arguments of the call at this step, in order.
  std::span<const double> args;
  // For kernels that need room; kept from window to window.
  std::vector<double>* scratch = nullptr;

  [[nodiscard]] size_t size() const { return values.size(); }
};

// What a kernel has worked out about the windows alone. Series of one target have the same
// timestamps: the next one uses it again. Emptied whenever the windows hold other samples.
struct LayoutNotes {
  bool known = false;
  bool full = false;  // every window has at least two samples, and the kernel writes all results
  // Samples in each window, and from the begin of one to that of the next, when they are alike; or
  // 0.
  uint32_t width = 0;
  uint32_t stride = 0;
  // Per window with at least two samples; the meaning is the kernel's.
  std::vector<double> factor;
  std::vector<double> limit;
  // Room that is kept from series to series.
  std::vector<double> scratch;
};

// All windows of one series, one per step: window i holds the samples [lo[i], hi[i]). Both rise
// with i, so that a kernel can walk along with two pointers. No sample is a staleness marker.
struct RangeSweep {
  std::span<const TimestampMs> timestamps;
  std::span<const double> values;
  std::span<const uint32_t> lo;
  std::span<const uint32_t> hi;
  TimestampMs first_end = 0;  // of window 0
  int64_t stride = 0;         // from one window's end to the next; 0: all the same (@)
  int64_t range_ms = 0;
  TimestampMs first_eval = 0;  // evaluation time of step 0
  int64_t step = 0;
  std::span<double> out;         // one per window, "no sample" at first
  LayoutNotes* notes = nullptr;  // of one kernel; null: it keeps none

  [[nodiscard]] size_t size() const { return lo.size(); }
  [[nodiscard]] TimestampMs window_end(size_t i) const {
    return first_end + static_cast<int64_t>(i) * stride;
  }
  [[nodiscard]] TimestampMs window_start(size_t i) const { return window_end(i) - range_ms; }
  [[nodiscard]] TimestampMs eval_time(size_t i) const {
    return first_eval + static_cast<int64_t>(i) * step;
  }
};

}  // namespace vigil::promql
