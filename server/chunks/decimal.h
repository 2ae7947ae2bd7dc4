// SPDX-License-Identifier: Apache-2.0
// Float64s that are decimals with few digits behind the point, as whole numbers.
#pragma once

#include <cmath>
#include <cstdint>

namespace vigil::chunks {

inline constexpr unsigned kMaxDecimalExponent = 6;
// Exact as float64, so that mantissa / power is rounded once, here as in every other decoder.
inline constexpr double kPowersOfTen[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
inline constexpr int64_t kIntPowersOfTen[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
// Whole numbers below are exact as float64.
inline constexpr double kExactLimit = 9007199254740992.0;  // 2^53

// value == mantissa / 10^exponent, bit for bit; |mantissa| < 2^53, exponent <= 6.
struct Decimal {
  int64_t mantissa = 0;
  unsigned exponent = 0;
};

// The rest of ToDecimal for values with digits behind the point.
bool FractionToDecimal(double value, Decimal* out);

// False when there is no such decimal: NaN, infinities, -0.0, too many digits. The exponent found
// is the smallest possible.
inline bool ToDecimal(double value, Decimal* out) {
  if (!(std::fabs(value) < kExactLimit)) return false;
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) {
    if (whole == 0 && std::signbit(value)) return false;
    *out = {whole, 0};
    return true;
  }
  return FractionToDecimal(value, out);
}

// The same with a given exponent; cheaper when it is known what to expect.
inline bool ToDecimalWith(double value, unsigned exponent, int64_t* mantissa) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < kExactLimit / 4)) return false;
  // Adding and subtracting 1.5 * 2^52 rounds to the nearest whole number.
  const double rounded = (scaled + 6755399441055744.0) - 6755399441055744.0;
  *mantissa = static_cast<int64_t>(rounded);
  return rounded / kPowersOfTen[exponent] == value && (*mantissa != 0 || !std::signbit(value));
}

}  // namespace vigil::chunks
