// SPDX-License-Identifier: Apache-2.0
#include "client-lib/model/shortest_digits.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "client-lib/model/float_text.h"

namespace vigil {
namespace {

// The slow twin: digits and exponent of std::to_chars, without trailing zeros.
std::string Slow(double value) {
  std::array<char, 40> text{};
  const char* end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific)
          .ptr;
  return {text.data(), static_cast<size_t>(end - text.data())};
}

std::string Fast(double value) {
  const ShortestDecimal decimal = FindShortestDecimal(value);
  std::array<char, 24> digits{};
  const std::string all(digits.data(), WriteDigits(decimal.significand, digits.data()));
  const int exponent = decimal.exponent + static_cast<int>(all.size()) - 1;
  std::string out = all.substr(0, 1);
  if (all.size() > 1) out += "." + all.substr(1);
  const std::string magnitude = std::to_string(std::abs(exponent));
  return out + (exponent < 0 ? "e-" : "e+") + (magnitude.size() < 2 ? "0" : "") + magnitude;
}

TEST(ShortestDigits, AgreesWithToCharsOnRandomBits) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300'000; ++i) {
    const double value = std::bit_cast<double>(random() & ~(uint64_t{1} << 63));
    if (!std::isfinite(value) || value == 0) continue;
    ASSERT_EQ(Fast(value), Slow(value)) << std::bit_cast<uint64_t>(value);
  }
}

TEST(ShortestDigits, AgreesWithToCharsOnDecimalsAndQuotients) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 300'000; ++i) {
    const auto whole = static_cast<double>(random() >> (1 + random() % 63));
    const double divisors[] = {1, 10, 100, 1000, 3, 7, 300, 1e9};
    const double value = whole / divisors[random() % 8];
    if (value == 0) continue;
    ASSERT_EQ(Fast(value), Slow(value));
  }
}

TEST(ShortestDigits, AgreesWithToCharsAroundPowers) {
  std::vector<double> values;
  for (int e = -1074; e <= 1023; ++e) values.push_back(std::ldexp(1.0, e));
  for (int e = -323; e <= 308; ++e) values.push_back(std::pow(10, e));
  for (const double value : values) {
    for (const double one : {value, std::nextafter(value, 0.0), std::nextafter(value, INFINITY)}) {
      if (one == 0 || !std::isfinite(one)) continue;
      ASSERT_EQ(Fast(one), Slow(one));
    }
  }
}

// The table by long multiplication and division: value = high:low * 2^(e - 127).
TEST(ShortestDigits, TableIsWhatItSays) {
  const auto at = [](int k) { return kPowersOfTen128[k - kFirstPowerOfTen]; };
  EXPECT_EQ(at(0).high, uint64_t{1} << 63);
  EXPECT_EQ(at(0).low, 0U);
  for (int k = kFirstPowerOfTen; k <= kLastPowerOfTen; ++k) {
    EXPECT_NE(at(k).high >> 63, 0U) << k;
    // To the accuracy of a long double (64 bits) the high word is the power.
    const long double power = std::pow(10.0L, static_cast<long double>(k));
    const int e = static_cast<int>(std::floor(std::log2(power)));
    const auto high = static_cast<long double>(at(k).high);
    EXPECT_LT(std::abs(std::ldexp(power, 63 - e) - high), 64.0L) << k;
  }
  // Up to 10^55 a power is 5^k, exact in 128 bits.
  __extension__ using Wide = unsigned __int128;
  Wide five = 1;
  for (int k = 0; k <= 55; ++k, five *= 5) {
    Wide top = five;
    while ((top >> 127) == 0) top <<= 1;
    EXPECT_EQ(at(k).high, static_cast<uint64_t>(top >> 64)) << k;
    EXPECT_EQ(at(k).low, static_cast<uint64_t>(top)) << k;
  }
}

TEST(ShortestDigits, WritesWholeNumbers) {
  std::array<char, 24> text{};
  for (uint64_t power = 1, i = 0; i < 20; ++i, power *= 10) {
    for (const uint64_t value : {power - 1, power, power + 1}) {
      const std::string written(text.data(), WriteDigits(value, text.data()));
      EXPECT_EQ(written, std::to_string(value));
      EXPECT_EQ(CountDigits(value), static_cast<int>(written.size()));
    }
  }
  EXPECT_EQ(std::string(text.data(), WriteDigits(UINT64_MAX, text.data())),
            std::to_string(UINT64_MAX));
  std::mt19937_64 random(17);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t value = random() >> random() % 64;
    ASSERT_EQ(std::string(text.data(), WriteDigits(value, text.data())), std::to_string(value));
  }
}

TEST(FloatText, JsonIsPlainOrHasAnExponent) {
  std::mt19937_64 random(5);
  std::array<char, kMaxFloatJson> text{};
  for (int i = 0; i < 300'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 2 == 0)
      value = std::ldexp(static_cast<double>(random() >> 11), -static_cast<int>(random() % 90));
    const double magnitude = std::abs(value);
    const bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
    const std::string expected = exponent ? FormatFloatE(value) : FormatFloatF(value);
    ASSERT_EQ(std::string(text.data(), WriteFloatJson(value, text.data())), expected);
  }
  EXPECT_EQ(FormatFloatJson(-0.0), "-0");
  EXPECT_EQ(FormatFloatJson(0x1p53), "9007199254740992");
  EXPECT_EQ(FormatFloatJson(-1234567.25), "-1234567.25");
}

}  // namespace
}  // namespace vigil
