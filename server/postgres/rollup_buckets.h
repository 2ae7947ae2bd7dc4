// SPDX-License-Identifier: Apache-2.0
// Samples of one series summed up in buckets of equal width.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/sample.h"

namespace vigil::postgres {

inline constexpr int64_t kFiveMinutesMs = 300'000;
inline constexpr int64_t kOneHourMs = 3'600'000;

// The encoding of a stored column: byte 4 of a chunk names it (server/chunks/chunk.h).
inline uint32_t EncodingOf(std::string_view chunk) {
  if (chunk.size() < 5) return 0;
  const auto both = static_cast<uint8_t>(chunk[4]);
  return (both & 15U) | static_cast<uint32_t>(both >> 4U) << 8U;
}

// Buckets as columns, by rising start. Clear() keeps capacity.
struct RollupBuckets {
  // In the order of the columns of vigil.rollup_5m.
  enum Column { kCount, kSum, kMin, kMax, kFirst, kLast, kIncrease, kColumns };

  std::vector<TimestampMs> times;  // where the buckets begin
  std::array<std::vector<double>, kColumns> values;

  [[nodiscard]] size_t size() const { return times.size(); }
  void Clear();
  // The float samples, timestamps strictly rising, into buckets (k * width, (k + 1) * width]: what
  // a window of PromQL holds, so that windows between borders are whole buckets.
  // Staleness markers do not count; min and max ignore NaN unless there is nothing else; increase
  // counts from the sample before, also from that of the bucket before, and a fall as a reset to
  // zero.
  void Add(const SampleColumns& samples, int64_t width_ms);

 private:
  void Open(TimestampMs start, double value);
};

}  // namespace vigil::postgres
