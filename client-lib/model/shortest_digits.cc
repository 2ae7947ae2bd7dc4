// SPDX-License-Identifier: Apache-2.0
#include "client-lib/model/shortest_digits.h"

#include <cstddef>

namespace vigil {
namespace {

constexpr int kFractionBits = 52;
constexpr uint64_t kHiddenBit = uint64_t{1} << kFractionBits;
constexpr int kExponentBias = 1075;  // of the significand as a whole number

__extension__ using Wide = unsigned __int128;

// floor(log10(2^q)), and floor(log10(3/4 * 2^q)) where the neighbour below is nearer.
constexpr int FloorLog10Pow2(int q, bool uneven) {
  return (q * 1262611 - (uneven ? 524031 : 0)) >> 22;
}
// floor(log2(10^k))
constexpr int FloorLog2Pow10(int k) { return (k * 1741647) >> 19; }

// The whole part of power * factor / 2^128, with its lowest bit set when something was cut off, so
// that comparisons with whole numbers come out right.
uint64_t RoundToOdd(const PowerOfTen& power, uint64_t factor) {
  const auto low = static_cast<uint64_t>(Wide{power.low} * factor >> 64);
  const Wide sum = Wide{power.high} * factor + low;
  return static_cast<uint64_t>(sum >> 64) | (static_cast<uint64_t>(sum) > 1 ? 1 : 0);
}

ShortestDecimal WithoutTrailingZeros(ShortestDecimal decimal) {
  if (decimal.significand % 10 != 0) return decimal;
  // Numbers of few digits end in many zeros.
  if (decimal.significand % 100'000'000 == 0) {
    decimal.significand /= 100'000'000;
    decimal.exponent += 8;
  }
  if (decimal.significand % 10'000 == 0) {
    decimal.significand /= 10'000;
    decimal.exponent += 4;
  }
  while (decimal.significand % 10 == 0) {
    decimal.significand /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

// "0000".."9999"
constexpr std::array<char, 40'000> MakeFours() {
  std::array<char, 40'000> text{};
  for (size_t i = 0; i < 10'000; ++i) {
    for (size_t digit = 4, rest = i; digit-- > 0; rest /= 10) {
      text[4 * i + digit] = static_cast<char>('0' + rest % 10);
    }
  }
  return text;
}

}  // namespace

constinit const std::array<char, 40'000> kDigitFours = MakeFours();

int CountDigits(uint64_t value) {
  static constexpr uint64_t kPowers[] = {0,
                                         10,
                                         100,
                                         1'000,
                                         10'000,
                                         100'000,
                                         1'000'000,
                                         10'000'000,
                                         100'000'000,
                                         1'000'000'000,
                                         10'000'000'000,
                                         100'000'000'000,
                                         1'000'000'000'000,
                                         10'000'000'000'000,
                                         100'000'000'000'000,
                                         1'000'000'000'000'000,
                                         10'000'000'000'000'000,
                                         100'000'000'000'000'000,
                                         1'000'000'000'000'000'000,
                                         10'000'000'000'000'000'000U};
  // From the number of bits, one too low at most.
  const size_t guess = static_cast<size_t>(std::bit_width(value | 1)) * 1233 >> 12;
  return static_cast<int>(guess) + (guess == 20 || value < kPowers[guess] ? 0 : 1);
}

char* WriteDigits(uint64_t value, char* out) {
  constexpr uint64_t kEight = kShortDigitsEnd;
  const auto eight = [&out](uint64_t digits) {
    PutFourDigits(static_cast<uint32_t>(digits / 10'000), out);
    PutFourDigits(static_cast<uint32_t>(digits % 10'000), out + 4);
    out += 8;
  };
  if (value < kEight) return WriteShortDigits(static_cast<uint32_t>(value), out);
  const uint64_t high = value / kEight;
  if (high < kEight) {
    out = WriteShortDigits(static_cast<uint32_t>(high), out);
  } else {
    out = WriteShortDigits(static_cast<uint32_t>(high / kEight), out);
    eight(high % kEight);
  }
  eight(value % kEight);
  return out;
}

ShortestDecimal FindShortestDecimal(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t fraction = bits & (kHiddenBit - 1);
  const auto biased = static_cast<int>(bits >> kFractionBits & 0x7ff);
  const uint64_t c = biased == 0 ? fraction : fraction | kHiddenBit;
  const int q = (biased == 0 ? 1 : biased) - kExponentBias;
  // Below a power of two doubles are twice as dense as above.
  const bool uneven = fraction == 0 && biased > 1;
  const bool odd = (c & 1) != 0;
  // In units of a quarter: the value, and the middles between it and its neighbours. Divided by
  // 10^k, so that the interval between those has room for one to ten whole numbers.
  const int k = FloorLog10Pow2(q, uneven);
  const int shift = q + FloorLog2Pow10(-k) + 1;
  const PowerOfTen& power = kPowersOfTen128[-k - kFirstPowerOfTen];
  const uint64_t middle = RoundToOdd(power, 4 * c << shift);
  const uint64_t low = RoundToOdd(power, (4 * c - 2 + (uneven ? 1 : 0)) << shift) + (odd ? 1 : 0);
  const uint64_t high = RoundToOdd(power, (4 * c + 2) << shift) - (odd ? 1 : 0);
  const uint64_t whole = middle / 4;
  if (whole >= 10) {
    const uint64_t tens = whole / 10;
    const bool below = low <= 40 * tens;
    const bool above = 40 * tens + 40 <= high;
    if (below != above) return WithoutTrailingZeros({tens + (above ? 1 : 0), k + 1});
  }
  const bool below = low <= 4 * whole;
  const bool above = 4 * whole + 4 <= high;
  const uint64_t half = 4 * whole + 2;
  const bool up = below != above ? above : middle > half || (middle == half && (whole & 1) != 0);
  return WithoutTrailingZeros({whole + (up ? 1 : 0), k});
}

}  // namespace vigil
