// SPDX-License-Identifier: Apache-2.0
// Samples of one series summed up in buckets of equal width.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
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

// Where the bucket of a time begins. A time on a border is in the bucket that ends there.
TimestampMs BucketOf(TimestampMs time, int64_t width_ms);

// A bit per bucket, bit k % 8 of byte k / 8: whether it has a sample on its very end. Without any
// byte it is not known.
inline bool MayHaveEnd(std::string_view on_end, size_t bucket) {
  return on_end.empty() || (static_cast<uint8_t>(on_end[bucket / 8]) >> bucket % 8 & 1) != 0;
}

// Buckets as columns, by rising start. Clear() keeps capacity.
struct RollupBuckets {
  // In the order of the columns of vigil.rollup_5m.
  enum Column { kCount, kSum, kMin, kMax, kFirst, kLast, kIncrease, kColumns };

  std::vector<TimestampMs> times;  // where the buckets begin
  std::array<std::vector<double>, kColumns> values;
  std::string on_end;  // see MayHaveEnd()
  // The last native histogram of each bucket that has any; the times are where the buckets begin.
  std::vector<HistogramSample> histograms;

  [[nodiscard]] size_t size() const { return times.size(); }
  void Clear();
  // The float samples, timestamps strictly rising, into buckets (k * width, (k + 1) * width]: what
  // a window of PromQL holds, so that windows between borders are whole buckets.
  // Staleness markers do not count; min and max ignore NaN unless there is nothing else; increase
  // counts from the sample before, also from that of the bucket before, and a fall as a reset to
  // zero. Of native histograms the last one of a bucket is kept.
  void Add(const SampleColumns& samples, int64_t width_ms);
  // Leaves those buckets out for which keep(index) is false. Histograms stay.
  template <typename Keep>
  void Filter(Keep keep);
  // A bucket of both stays where it has more samples, of equals in this; a histogram in this.
  // Returns whether *older lost any.
  bool Contest(RollupBuckets* older);

 private:
  void Open(TimestampMs start, double value);
  void SetEnd(size_t bucket, bool has);
};

template <typename Keep>
void RollupBuckets::Filter(Keep keep) {
  size_t kept = 0;
  for (size_t k = 0; k < size(); ++k) {
    if (!keep(k)) continue;
    times[kept] = times[k];
    for (std::vector<double>& column : values) column[kept] = column[k];
    if (!on_end.empty()) SetEnd(kept, MayHaveEnd(on_end, k));
    ++kept;
  }
  times.resize(kept);
  for (std::vector<double>& column : values) column.resize(kept);
  if (!on_end.empty()) on_end.resize((kept + 7) / 8);
}

}  // namespace vigil::postgres
