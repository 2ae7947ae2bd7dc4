// SPDX-License-Identifier: Apache-2.0
// Go's spelling of numbers: the digits come from shortest_digits.h and std::from_chars, the layout
// is done here.
#include "client-lib/model/float_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "client-lib/base/strings.h"
#include "client-lib/model/shortest_digits.h"

namespace vigil {
namespace {

// value = 0.d1d2d3... * 10^point, without sign.
struct Digits {
  std::array<char, 20> text;
  int count = 0;
  int point = 0;

  [[nodiscard]] int exponent() const { return point - 1; }
};

// REQUIRES: finite and not negative.
Digits ShortestDigits(double value) {
  Digits digits{};
  if (value == 0) {
    digits.text[0] = '0';
    digits.count = 1;
    digits.point = 1;
    return digits;
  }
  const ShortestDecimal decimal = FindShortestDecimal(value);
  digits.count =
      static_cast<int>(WriteDigits(decimal.significand, digits.text.data()) - digits.text.data());
  digits.point = digits.count + decimal.exponent;
  return digits;
}

void LayOutPlain(const Digits& digits, std::string* out) {
  const char* text = digits.text.data();
  const auto count = static_cast<size_t>(digits.count);
  if (digits.point <= 0) {
    out->append("0.").append(static_cast<size_t>(-digits.point), '0').append(text, count);
    return;
  }
  const auto whole = static_cast<size_t>(digits.point);
  if (whole >= count) {
    out->append(text, count).append(whole - count, '0');
    return;
  }
  out->append(text, whole).append(".").append(text + whole, count - whole);
}

// The same into a buffer. REQUIRES: below 1e21 and not below 1e-6.
char* WritePlain(const ShortestDecimal& decimal, char* out) {
  if (decimal.exponent >= 0) {
    out = WriteDigits(decimal.significand, out);
    return std::fill_n(out, decimal.exponent, '0');
  }
  const int point = CountDigits(decimal.significand) + decimal.exponent;
  if (point <= 0) {
    *out++ = '0';
    *out++ = '.';
    out = std::fill_n(out, -point, '0');
    return WriteDigits(decimal.significand, out);
  }
  // One place behind, then the whole part moves forward.
  char* const end = WriteDigits(decimal.significand, out + 1);
  std::memmove(out, out + 1, static_cast<size_t>(point));
  out[point] = '.';
  return end;
}

void LayOutExponent(const Digits& digits, std::string* out) {
  *out += digits.text[0];
  if (digits.count > 1) {
    out->append(".").append(digits.text.data() + 1, static_cast<size_t>(digits.count - 1));
  }
  const int exponent = digits.exponent();
  out->append(exponent < 0 ? "e-" : "e+");
  const int magnitude = std::abs(exponent);
  if (magnitude < 10) *out += '0';
  std::array<char, 8> buffer;
  out->append(buffer.data(),
              std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude).ptr);
}

// NaN, infinities and the sign are common to all layouts. False when nothing is left to write.
bool AppendSignOrSpecial(double value, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
    return false;
  }
  if (std::isinf(value)) {
    out->append(value < 0 ? "-Inf" : "+Inf");
    return false;
  }
  if (std::signbit(value)) *out += '-';
  return true;
}

template <typename Append>
std::string Formatted(double value, Append append) {
  std::string text;
  append(value, &text);
  return text;
}

// Small whole numbers, the most common values, without a shortest-digits search.
bool AppendSmallInteger(double value, std::string* out) {
  if (!(std::abs(value) < 1e6)) return false;
  const auto whole = static_cast<int32_t>(value);
  if (static_cast<double>(whole) != value || (whole == 0 && std::signbit(value))) return false;
  std::array<char, 12> buffer;
  out->append(buffer.data(),
              std::to_chars(buffer.data(), buffer.data() + buffer.size(), whole).ptr);
  return true;
}

bool IsDecimal(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDecimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A number taken apart by Go's grammar.
struct Shape {
  bool hex = false;
  bool underscores = false;
  // Decimal power of the first digit that is not 0, to tell overflow from underflow.
  int64_t magnitude = 0;
};

// The exponent's digits from *p on; their value, capped. False when there are none.
bool ReadExponent(const char** p, const char* end, int64_t* exponent) {
  bool negative = false;
  if (*p != end && (**p == '+' || **p == '-')) negative = *(*p)++ == '-';
  if (*p == end || !IsDecimal(**p)) return false;
  int64_t value = 0;
  for (; *p != end && (IsDecimal(**p) || **p == '_'); ++*p) {
    if (**p != '_') value = std::min<int64_t>(value * 10 + (**p - '0'), 1'000'000);
  }
  *exponent = negative ? -value : value;
  return true;
}

// Underscores stand between digits, or between a base prefix and a digit.
bool UnderscoresFit(std::string_view text, bool hex) {
  char before = '^';
  size_t i = 0;
  if (hex) {
    i = 2;
    before = '0';
  }
  for (; i < text.size(); ++i) {
    if (IsDecimal(text[i]) || (hex && IsHexDigit(text[i]))) {
      before = '0';
    } else if (text[i] == '_') {
      if (before != '0') return false;
      before = '_';
    } else {
      if (before == '_') return false;
      before = '!';
    }
  }
  return before != '_';
}

// Checks the unsigned text against Go's grammar of floating-point literals.
std::optional<Shape> ReadShape(std::string_view text) {
  Shape shape;
  const char* p = text.data();
  const char* const end = p + text.size();
  if (text.size() > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
    shape.hex = true;
    p += 2;
  }
  bool point = false;
  bool digits = false;
  bool nonzero = false;
  for (; p != end; ++p) {
    if (*p == '_') {
      shape.underscores = true;
    } else if (*p == '.') {
      if (point) return std::nullopt;
      point = true;
    } else if (shape.hex ? IsHexDigit(*p) : IsDecimal(*p)) {
      digits = true;
      nonzero = nonzero || *p != '0';
      if (nonzero && !point) ++shape.magnitude;
      if (!nonzero && point) --shape.magnitude;
    } else {
      break;
    }
  }
  if (!digits) return std::nullopt;
  int64_t exponent = 0;
  const char mark = p == end ? '\0' : static_cast<char>(*p | 0x20);
  if (mark == (shape.hex ? 'p' : 'e')) {
    ++p;
    const char* const exponent_text = p;
    if (!ReadExponent(&p, end, &exponent)) return std::nullopt;
    const std::string_view rest(exponent_text, static_cast<size_t>(p - exponent_text));
    shape.underscores = shape.underscores || rest.find('_') != std::string_view::npos;
  } else if (shape.hex) {
    return std::nullopt;  // Go wants the p
  }
  if (p != end) return std::nullopt;
  if (shape.underscores && !UnderscoresFit(text, shape.hex)) return std::nullopt;
  shape.magnitude = nonzero ? (shape.hex ? shape.magnitude * 4 : shape.magnitude) + exponent : 0;
  return shape;
}

std::optional<double> ParseSpecial(std::string_view text, bool has_sign, bool negative) {
  if (EqualsIgnoreCase(text, "inf") || EqualsIgnoreCase(text, "infinity")) {
    const double inf = std::numeric_limits<double>::infinity();
    return negative ? -inf : inf;
  }
  if (!has_sign && EqualsIgnoreCase(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

// REQUIRES: the text has the shape.
double ConvertUnsigned(std::string_view text, const Shape& shape, bool* overflow) {
  std::string clean;
  if (shape.underscores) {
    clean.reserve(text.size());
    std::copy_if(text.begin(), text.end(), std::back_inserter(clean),
                 [](char c) { return c != '_'; });
    text = clean;
  }
  if (shape.hex) text.remove_prefix(2);
  double value = 0;
  const auto format = shape.hex ? std::chars_format::hex : std::chars_format::general;
  const auto code = std::from_chars(text.data(), text.data() + text.size(), value, format).ec;
  if (code == std::errc::result_out_of_range) {
    if (shape.magnitude < 0) return 0;
    *overflow = true;
    return std::numeric_limits<double>::infinity();
  }
  return value;
}

// mantissa * 10^exponent, as far as the text could be read so simply.
struct ShortDecimal {
  uint64_t mantissa = 0;
  int digits = 0;
  int exponent = 0;
};

// "e+06" with one or two digits; nothing for longer exponents.
std::optional<int> ReadShortExponent(const char* p, const char* end) {
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  if (end - p < 1 || end - p > 2) return std::nullopt;
  int exponent = 0;
  for (; p != end; ++p) {
    if (!IsDecimal(*p)) return std::nullopt;
    exponent = exponent * 10 + (*p - '0');
  }
  return negative ? -exponent : exponent;
}

std::optional<ShortDecimal> ReadShortDecimal(const char* p, const char* end) {
  ShortDecimal decimal;
  int fraction = 0;
  bool point = false;
  for (; p != end; ++p) {
    const unsigned digit = static_cast<unsigned>(*p) - '0';
    if (digit <= 9) {
      decimal.mantissa = decimal.mantissa * 10 + digit;
      ++decimal.digits;
      fraction += point ? 1 : 0;
    } else if (*p == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  decimal.exponent = -fraction;
  if (p == end) return decimal;
  if (*p != 'e') return std::nullopt;
  const std::optional<int> exponent = ReadShortExponent(p + 1, end);
  if (!exponent) return std::nullopt;
  decimal.exponent += *exponent;
  return decimal;
}

// Exact while mantissa and power of ten are both exact doubles (Clinger's fast path).
std::optional<double> ParseShortDecimal(std::string_view text) {
  static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr int kMaxPower = 22;
  constexpr int kMaxDigits = 15;  // below 2^53
  constexpr size_t kMaxLength = 24;
  if (text.empty() || text.size() > kMaxLength) return std::nullopt;
  const bool negative = text[0] == '-';
  const char* const begin = text.data();
  const std::optional<ShortDecimal> decimal =
      ReadShortDecimal(begin + (negative ? 1 : 0), begin + text.size());
  if (!decimal || decimal->digits == 0 || decimal->digits > kMaxDigits) return std::nullopt;
  if (decimal->exponent > kMaxPower || decimal->exponent < -kMaxPower) return std::nullopt;
  auto value = static_cast<double>(decimal->mantissa);
  if (decimal->exponent < 0) {
    value /= kPowers[-decimal->exponent];
  } else {
    value *= kPowers[decimal->exponent];
  }
  return negative ? -value : value;
}

// Decimals of any length. Words, signs other than `-` and what does not fit are left to ParseFloat.
std::optional<double> ParseLongDecimal(std::string_view text) {
  const size_t first = text.starts_with('-') ? 1 : 0;
  if (text.size() <= first || (!IsDecimal(text[first]) && text[first] != '.')) return std::nullopt;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

void AppendFloatF(double value, std::string* out) {
  if (AppendSmallInteger(value, out) || !AppendSignOrSpecial(value, out)) return;
  LayOutPlain(ShortestDigits(std::abs(value)), out);
}

void AppendFloatG(double value, std::string* out) {
  if (AppendSmallInteger(value, out) || !AppendSignOrSpecial(value, out)) return;
  const Digits digits = ShortestDigits(std::abs(value));
  const bool plain = digits.exponent() >= -4 && digits.exponent() < 6;
  plain ? LayOutPlain(digits, out) : LayOutExponent(digits, out);
}

void AppendFloatE(double value, std::string* out) {
  if (!AppendSignOrSpecial(value, out)) return;
  LayOutExponent(ShortestDigits(std::abs(value)), out);
}

char* WriteFloatJson(double value, char* out) {
  const double magnitude = std::abs(value);
  // Whole numbers as far as doubles tell neighbours apart: their digits are the shortest.
  if (magnitude < 0x1p53) {
    const auto whole = static_cast<uint64_t>(magnitude);
    if (static_cast<double>(whole) == magnitude) {
      if (std::signbit(value)) *out++ = '-';
      return WriteDigits(whole, out);
    }
  }
  if (!std::isfinite(value)) {
    const std::string_view text = std::isnan(value) ? "NaN" : (value < 0 ? "-Inf" : "+Inf");
    return std::copy(text.begin(), text.end(), out);
  }
  if (std::signbit(value)) *out++ = '-';
  const ShortestDecimal decimal = FindShortestDecimal(magnitude);
  if (magnitude < 1e-6 || magnitude >= 1e21) {
    std::string text;
    LayOutExponent(ShortestDigits(magnitude), &text);
    return std::copy(text.begin(), text.end(), out);
  }
  return WritePlain(decimal, out);
}

void AppendFloatJson(double value, std::string* out) {
  std::array<char, kMaxFloatJson> buffer;
  out->append(buffer.data(), WriteFloatJson(value, buffer.data()));
}

void AppendFloatExposition(double value, std::string* out) { AppendFloatG(value, out); }

std::string FormatFloatF(double value) { return Formatted(value, AppendFloatF); }
std::string FormatFloatG(double value) { return Formatted(value, AppendFloatG); }
std::string FormatFloatE(double value) { return Formatted(value, AppendFloatE); }
std::string FormatFloatJson(double value) { return Formatted(value, AppendFloatJson); }
std::string FormatFloatExposition(double value) { return Formatted(value, AppendFloatExposition); }

std::optional<double> ParseFloat(std::string_view text, bool* overflow) {
  bool overflowed = false;
  if (overflow != nullptr) *overflow = false;
  const bool negative = !text.empty() && text[0] == '-';
  const bool has_sign = negative || (!text.empty() && text[0] == '+');
  if (has_sign) text.remove_prefix(1);
  const std::optional<Shape> shape = ReadShape(text);
  if (!shape) return ParseSpecial(text, has_sign, negative);
  const double value = ConvertUnsigned(text, *shape, &overflowed);
  if (overflow != nullptr) *overflow = overflowed;
  return negative ? -value : value;
}

std::optional<double> ParseExpositionFloat(std::string_view text) {
  if (const std::optional<double> value = ParseShortDecimal(text)) return value;
  if (const std::optional<double> value = ParseLongDecimal(text)) return value;
  if (text.find_first_of("pP_") != std::string_view::npos) return std::nullopt;
  bool overflow = false;
  const std::optional<double> value = ParseFloat(text, &overflow);
  return overflow ? std::nullopt : value;
}

}  // namespace vigil
