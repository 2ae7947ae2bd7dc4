// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/integer_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "server/chunks/bytes.h"

namespace vigil::chunks {
namespace {

constexpr size_t kSamples = 12;
constexpr size_t kUsualSamples = 9;
constexpr int64_t kMaxDenominator = 1'000'000;
constexpr unsigned kMantissaBits = 53;
// Corrections beyond are written as specials.
constexpr unsigned kMaxCorrectionBits = 24;
constexpr size_t kSpecialBits = 8 * 10;

struct Ratio {
  int64_t integer = 0;
  int64_t correction = 0;
};

unsigned MagnitudeBits(int64_t value) {
  return BitWidth(static_cast<uint64_t>(value ^ (value >> 63)));
}

// False when the integer would be too large.
bool ToRatio(double value, double divisor, Ratio* out) {
  const double scaled = value * divisor;
  if (!(std::fabs(scaled) < kExactLimit / 4)) return false;
  const double rounded = (scaled + 6755399441055744.0) - 6755399441055744.0;
  out->integer = static_cast<int64_t>(rounded);
  out->correction =
      WrapSub(std::bit_cast<int64_t>(value), std::bit_cast<int64_t>(rounded / divisor));
  return true;
}

// Whether the value is close to an integer over the divisor, and not only because floats are dense.
bool IsRatio(double value, double divisor) {
  Ratio ratio;
  if (!ToRatio(value, divisor, &ratio)) return false;
  const unsigned bits = MagnitudeBits(ratio.integer);
  const unsigned spare = kMantissaBits - std::min(bits, kMantissaBits);
  // With a quarter of the room between two integers, noise passes every other time.
  return spare >= 5 && MagnitudeBits(ratio.correction) <= std::min(spare - 3, 10U);
}

bool AllAreRatios(std::span<const double> samples, double divisor) {
  return std::all_of(samples.begin(), samples.end(),
                     [divisor](double value) { return IsRatio(value, divisor); });
}

// The smallest denominator that makes the value a fraction; 0 when there is none. Continued
// fraction of the value.
int64_t DenominatorOf(double value) {
  int64_t before = 0;
  int64_t denominator = 1;
  double rest = std::fabs(value);
  rest -= std::floor(rest);
  while (!IsRatio(value, static_cast<double>(denominator))) {
    if (rest < 1e-9) return 0;
    const double inverse = 1 / rest;
    const double whole = std::floor(inverse);
    if (whole > static_cast<double>(kMaxDenominator)) return 0;
    rest = inverse - whole;
    before = std::exchange(denominator, static_cast<int64_t>(whole) * denominator + before);
    if (denominator > kMaxDenominator) return 0;
  }
  return denominator;
}

double CommonDenominator(std::span<const double> samples) {
  int64_t common = 1;
  for (const double value : samples) {
    const int64_t denominator = DenominatorOf(value);
    if (denominator == 0) return 0;
    common = std::lcm(common, denominator);
    if (common > kMaxDenominator) return 0;
  }
  return static_cast<double>(common);
}

// The power of two that leaves no digits behind the point.
double PowerOfTwo(std::span<const double> samples) {
  int lowest = 0;
  double largest = 0;
  for (const double value : samples) {
    int exponent = 0;
    const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
    exponent += std::countr_zero(static_cast<uint64_t>(mantissa)) - 53;
    lowest = std::min(lowest, exponent);
    largest = std::max(largest, std::fabs(value));
  }
  const double power = std::ldexp(1.0, -lowest);
  return std::isfinite(power) && largest * power < kExactLimit / 4 ? power : 0;
}

}  // namespace

void IntegerColumn::Clear() {
  integers.clear();
  corrections.clear();
  specials.clear();
}

void IntegerColumn::SmoothSpecials() {
  size_t next = 0;  // behind the run of specials
  for (size_t i = 0; i < specials.size(); i = next) {
    next = i + 1;
    while (next < specials.size() && specials[next] == specials[next - 1] + 1) ++next;
    const size_t from = specials[i];
    const size_t to = specials[next - 1] + 1;
    const int64_t left = from > 0 ? integers[from - 1] : to < integers.size() ? integers[to] : 0;
    const int64_t right = to < integers.size() ? integers[to] : left;
    const int64_t step = (right - left) / static_cast<int64_t>(to - from + 1);
    for (size_t at = from; at < to; ++at) {
      integers[at] = left + step * static_cast<int64_t>(at - from + 1);
    }
  }
}

int64_t UsualItem(std::span<const int64_t> items) {
  std::array<int64_t, kUsualSamples> samples;
  for (size_t i = 0; i < kUsualSamples; ++i) {
    samples[i] = items[(2 * i + 1) * items.size() / (2 * kUsualSamples)];
  }
  std::nth_element(samples.begin(), samples.begin() + kUsualSamples / 2, samples.end());
  return samples[kUsualSamples / 2];
}

double FindDivisor(std::span<const double> values) {
  std::array<double, kSamples> room;
  size_t count = 0;
  for (size_t i = 0; i < kSamples; ++i) {
    const double value = values[i * (values.size() - 1) / (kSamples - 1)];
    if (std::isfinite(value) && value != 0) room[count++] = value;
  }
  if (count < kSamples / 2) return 0;
  const std::span<const double> samples(room.data(), count);
  double power = kPowersOfTen[kMaxDecimalExponent];
  for (unsigned exponent = kMaxDecimalExponent + 1; exponent <= 15; ++exponent) {
    power *= 10;
    if (AllAreRatios(samples, power)) return power;
  }
  if (const double common = CommonDenominator(samples);
      common > 1 && AllAreRatios(samples, common)) {
    return common;
  }
  return PowerOfTwo(samples);
}

bool MakeIntegers(std::span<const double> values, double divisor, IntegerColumn* column) {
  const size_t count = values.size();
  column->Clear();
  column->divisor = divisor;
  column->integers.resize(count);
  column->corrections.resize(count);
  std::array<size_t, 65> widths{};
  for (size_t i = 0; i < count; ++i) {
    Ratio ratio;
    if (!ToRatio(values[i], divisor, &ratio)) ratio.correction = INT64_MAX;
    column->integers[i] = ratio.integer;
    column->corrections[i] = ratio.correction;
    ++widths[MagnitudeBits(ratio.correction)];
  }
  // Where corrections cost the least together with the specials beyond.
  size_t beyond = 0;
  for (size_t bits = kMaxCorrectionBits + 1; bits < widths.size(); ++bits) beyond += widths[bits];
  unsigned limit = kMaxCorrectionBits;
  size_t best = SIZE_MAX;
  size_t specials = 0;
  for (unsigned bits = kMaxCorrectionBits + 1; bits-- > 0;) {
    const size_t cost = (bits == 0 ? 0 : count * (bits + 1)) + beyond * kSpecialBits;
    if (cost < best) {
      best = cost;
      limit = bits;
      specials = beyond;
    }
    beyond += widths[bits];
  }
  if (specials * 8 > count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (MagnitudeBits(column->corrections[i]) <= limit) continue;
    column->specials.push_back(static_cast<uint32_t>(i));
    column->corrections[i] = 0;
  }
  if (limit == 0 && std::all_of(column->corrections.begin(), column->corrections.end(),
                                [](int64_t correction) { return correction == 0; })) {
    column->corrections.clear();
  }
  column->SmoothSpecials();
  return true;
}

}  // namespace vigil::chunks
