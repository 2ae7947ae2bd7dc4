// SPDX-License-Identifier: Apache-2.0
// The shortest decimal that reads back as the same double, by Giulietti's method ("The Schubfach
// way to render doubles"): three multiplications by a power of ten and no search.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vigil {

// significand * 10^exponent; the significand has at most 17 digits and does not end in 0.
struct ShortestDecimal {
  uint64_t significand = 0;
  int exponent = 0;
};

// Of several shortest decimals the one nearest to the value, of two as near the even one.
// REQUIRES: finite and above 0.
ShortestDecimal FindShortestDecimal(double value);

// 10^k as 128 bits, the highest of them set: 10^k * 2^(127 - e) rounded up, where 2^e is the
// largest power of two that is not above 10^k.
struct PowerOfTen {
  uint64_t high;
  uint64_t low;
};
inline constexpr int kFirstPowerOfTen = -292;
inline constexpr int kLastPowerOfTen = 324;
extern const PowerOfTen kPowersOfTen128[kLastPowerOfTen - kFirstPowerOfTen + 1];

// Writes the digits of a whole number; at most 20. Returns the end. REQUIRES: room for 20 bytes,
// all of which may be written.
char* WriteDigits(uint64_t value, char* out);
// How many digits it has; 1 for 0.
int CountDigits(uint64_t value);
// "0000".."9999", four bytes each.
extern const std::array<char, 40'000> kDigitFours;

// Four digits, with zeros in front. REQUIRES: value < 10'000.
inline void PutFourDigits(uint32_t value, char* out) {
  std::memcpy(out, kDigitFours.data() + 4 * size_t{value}, 4);
}

inline constexpr uint32_t kShortDigitsEnd = 100'000'000;

// As WriteDigits(), inline for where millions of small numbers are written: two look-ups, then the
// zeros in front are shifted out. REQUIRES: value < kShortDigitsEnd; room for 8 bytes.
inline char* WriteShortDigits(uint32_t value, char* out) {
  constexpr uint64_t kZeros = 0x3030'3030'3030'3030;
  uint32_t high = 0;
  uint32_t low = 0;
  std::memcpy(&high, kDigitFours.data() + 4 * size_t{value / 10'000}, 4);
  std::memcpy(&low, kDigitFours.data() + 4 * size_t{value % 10'000}, 4);
  // The first digit lowest.
  uint64_t text = high | uint64_t{low} << 32;
  if constexpr (std::endian::native == std::endian::big) {
    text = __builtin_bswap64(uint64_t{high} << 32 | low);
  }
  // All but the last one may be left out.
  const int zeros = std::countr_zero((text ^ kZeros) | uint64_t{1} << 56) / 8;
  text >>= 8 * zeros;
  if constexpr (std::endian::native == std::endian::big) text = __builtin_bswap64(text);
  std::memcpy(out, &text, sizeof(text));
  return out + 8 - zeros;
}

}  // namespace vigil
