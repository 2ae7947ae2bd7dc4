// SPDX-License-Identifier: Apache-2.0
// What writer and reader of histogram records share; the format is told in histogram_record.h.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client-lib/model/histogram.h"
#include "server/chunks/decimal.h"

namespace vigil::chunks {

// Bits of a record's control byte.
inline constexpr uint8_t kHintBits = 3;
inline constexpr uint8_t kIntegerBit = 4;
inline constexpr uint8_t kLayoutBit = 8;
inline constexpr uint8_t kFloatsBit = 16;
inline constexpr uint8_t kRepeatBit = 0x80;
inline constexpr size_t kMaxRepeats = 128;
// In the place of the sum's number.
inline constexpr uint8_t kSameSum = 0x90;
inline constexpr uint8_t kXorSum = 0xa0;
// In the byte before packed integers.
inline constexpr uint8_t kSparseBit = 0x40;
inline constexpr uint8_t kWidthBits = 0x3f;

inline size_t SlotsOf(const Histogram& histogram) {
  return 2 + histogram.positive_buckets.size() + histogram.negative_buckets.size();
}

// Exact as an integer, so that the float64 of the integer has the same bits.
inline bool IsWhole(double value) {
  return std::fabs(value) < kExactLimit &&
         static_cast<double>(static_cast<int64_t>(value)) == value &&
         (value != 0 || !std::signbit(value));
}

inline bool FitsInteger(int64_t value) {
  constexpr auto kLimit = static_cast<int64_t>(kExactLimit);
  return value < kLimit && value > -kLimit;
}

// Equal schema, zero threshold, spans and custom values.
bool SameLayout(const Histogram& a, const Histogram& b);

// True when all counts are whole numbers that the integer form takes; *rest is then what the
// count is above the sum of all buckets.
bool CountsAreWhole(const Histogram& histogram, int64_t* rest);

// The buckets that a histogram with `spans` and `count` buckets takes over from `old`: those with
// the same index; the others are 0.
std::vector<double> TakeOver(std::span<const BucketSpan> old_spans, std::span<const double> old,
                             std::span<const BucketSpan> spans, size_t count);

}  // namespace vigil::chunks
