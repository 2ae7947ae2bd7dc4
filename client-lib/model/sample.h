// SPDX-License-Identifier: Apache-2.0
// Samples and the staleness marker.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/histogram.h"

namespace vigil {

struct Sample {
  TimestampMs timestamp = 0;
  double value = 0;
};

// The NaN with exactly these bits says "the series ended here"; every other NaN is a value.
inline constexpr uint64_t kStaleNaNBits = 0x7ff0000000000002ULL;
// The NaN that arithmetic and parsers produce.
inline constexpr uint64_t kNormalNaNBits = 0x7ff8000000000001ULL;

inline double StaleNaN() { return std::bit_cast<double>(kStaleNaNBits); }
inline double NormalNaN() { return std::bit_cast<double>(kNormalNaNBits); }
inline bool IsStaleNaN(double value) { return std::bit_cast<uint64_t>(value) == kStaleNaNBits; }

// Equal bits: distinguishes NaN payloads and the two zeros.
inline bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// Samples as columns of equal length, timestamps rising. A decode buffer: Clear() keeps capacity.
// Native histograms are beside the floats, with timestamps of their own, rising too; no timestamp
// is in both. Most series have only the one or the other.
struct SampleColumns {
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
  std::vector<HistogramSample> histograms;
  // Since when the float samples have counted, 0 where it is not known. Mostly it is not known of
  // any: then the column is empty.
  std::vector<TimestampMs> start_timestamps;

  // Of the float samples.
  [[nodiscard]] size_t size() const { return timestamps.size(); }
  [[nodiscard]] bool empty() const { return timestamps.empty(); }
  void Clear() {
    timestamps.clear();
    values.clear();
    histograms.clear();
    start_timestamps.clear();
  }
  void Add(TimestampMs timestamp, double value) {
    timestamps.push_back(timestamp);
    values.push_back(value);
  }
};

}  // namespace vigil
