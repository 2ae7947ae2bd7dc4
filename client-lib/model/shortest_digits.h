// SPDX-License-Identifier: Apache-2.0
// The shortest decimal that reads back as the same double, by Giulietti's method ("The Schubfach
// way to render doubles"): three multiplications by a power of ten and no search.
#pragma once

#include <cstddef>
#include <cstdint>

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
// "00".."99"
extern const char kDigitPairs[200 + 1];

}  // namespace vigil
