// SPDX-License-Identifier: Apache-2.0
// Numbers, texts and characters with width, precision and signs.
#include "server/template/format_flags.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "client-lib/model/float_text.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr std::string_view kLowerDigits = "0123456789abcdef";
constexpr std::string_view kUpperDigits = "0123456789ABCDEF";

// The first `runes` characters.
std::string_view FirstRunes(std::string_view text, size_t runes) {
  size_t end = 0;
  for (; runes > 0 && end < text.size(); --runes) end += DecodeRune(text.substr(end)).size;
  return text.substr(0, end);
}

std::string_view Truncated(const FormatFlags& flags, std::string_view text) {
  return flags.has_precision ? FirstRunes(text, flags.precision) : text;
}

FormatFlags WithoutZero(FormatFlags flags) {
  flags.zero = false;
  return flags;
}

// With the C library's printf, which rounds as Go does.
std::string PrintedFloat(double value, char verb, int precision) {
  const std::array<char, 6> format = {'%', '.', '*', verb, '\0', '\0'};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int size = std::snprintf(nullptr, 0, format.data(), precision, value);
  std::string text(static_cast<size_t>(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), format.data(), precision, value);
#pragma GCC diagnostic pop
  text.pop_back();
  return text;
}

// Go's exponent has two digits, C's of hex floats one.
std::string HexFloat(double value, char verb, int precision) {
  std::string text;
  const char c_verb = verb == 'x' ? 'a' : 'A';
  if (precision >= 0) {
    text = PrintedFloat(value, c_verb, precision);
  } else {
    std::array<char, 40> buffer{};
    std::snprintf(buffer.data(), buffer.size(), verb == 'x' ? "%a" : "%A", value);
    text = buffer.data();
  }
  const size_t exponent = text.find_last_of("pP");
  if (exponent != std::string::npos && text.size() - exponent == 3) text.insert(exponent + 2, "0");
  return text;
}

std::string ShortestFloat(double value, char verb) {
  std::string text;
  if (verb == 'e' || verb == 'E') {
    AppendFloatE(value, &text);
  } else if (verb == 'f') {
    AppendFloatF(value, &text);
  } else {
    AppendFloatG(value, &text);
  }
  if (verb == 'E' || verb == 'G') std::replace(text.begin(), text.end(), 'e', 'E');
  return text;
}

// With a sign in front, always.
std::string SignedFloat(double value, char verb, int precision) {
  std::string text;
  if (std::isnan(value)) return "+NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  if (verb == 'x' || verb == 'X') {
    text = HexFloat(value, verb, precision);
  } else if (precision < 0) {
    text = ShortestFloat(value, verb);
  } else {
    // %.0g means one digit to Go and to C.
    text = PrintedFloat(value, verb, precision);
  }
  return text[0] == '-' ? text : "+" + text;
}

// %#g keeps trailing zeros and the point.
std::string WithPoint(std::string text, char verb, int precision) {
  const size_t exponent = text.find_first_of(verb == 'x' || verb == 'X' ? "pP" : "eE");
  std::string tail = exponent == std::string::npos ? "" : text.substr(exponent);
  text.resize(text.size() - tail.size());
  const bool point = text.find('.') != std::string::npos;
  if (!point) text += '.';
  if (verb == 'g' || verb == 'G') {
    const auto wanted = static_cast<size_t>(precision < 0 ? 6 : std::max(precision, 1));
    // Digits that count begin at the first that is not zero.
    size_t digits = 0;
    bool seen = false;
    for (const char c : text) {
      seen = seen || (c > '0' && c <= '9');
      if (seen && c >= '0' && c <= '9') ++digits;
    }
    if (!seen) digits = 1;
    while (digits++ < wanted) text += '0';
  }
  return text + tail;
}

}  // namespace

void PadText(const FormatFlags& flags, std::string_view text, std::string* out) {
  const size_t runes = flags.has_width ? CountRunes(text) : 0;
  const size_t padding = flags.has_width && flags.width > runes ? flags.width - runes : 0;
  if (!flags.minus) out->append(padding, flags.zero ? '0' : ' ');
  out->append(text);
  if (flags.minus) out->append(padding, ' ');
}

void FormatInteger(const FormatFlags& flags, uint64_t value, bool is_signed, unsigned base,
                   char verb, std::string* out) {
  const bool negative = is_signed && static_cast<int64_t>(value) < 0;
  if (negative) value = ~value + 1;
  const bool sign = negative || flags.plus || flags.space;
  size_t digits = 0;
  if (flags.has_precision) {
    digits = flags.precision;
    if (digits == 0 && value == 0) {
      out->append(flags.has_width ? flags.width : 0, ' ');
      return;
    }
  } else if (flags.zero && !flags.minus && flags.has_width) {
    digits = flags.width - (sign && flags.width > 0 ? 1 : 0);
  }
  const std::string_view alphabet = verb == 'X' ? kUpperDigits : kLowerDigits;
  std::string text;  // from the last character to the first
  do {
    text += alphabet[value % base];
    value /= base;
  } while (value != 0);
  if (text.size() < digits) text.append(digits - text.size(), '0');
  if (flags.sharp && base == 2) text += "b0";
  if (flags.sharp && base == 8 && text.back() != '0') text += '0';
  if (flags.sharp && base == 16) text.append(1, verb == 'X' ? 'X' : 'x').append("0");
  if (verb == 'O') text += "o0";
  if (sign) text += negative ? '-' : flags.plus ? '+' : ' ';
  std::reverse(text.begin(), text.end());
  PadText(WithoutZero(flags), text, out);
}

void FormatFloat(const FormatFlags& flags, double value, char verb, std::string* out) {
  int precision = verb == 'e' || verb == 'E' || verb == 'f' || verb == 'F' ? 6 : -1;
  if (verb == 'v') verb = 'g';
  if (verb == 'F') verb = 'f';
  if (flags.has_precision) precision = static_cast<int>(flags.precision);
  std::string text = SignedFloat(value, verb, precision);
  if (flags.space && text[0] == '+' && !flags.plus) text[0] = ' ';
  if (text[1] == 'I' || text[1] == 'N') {
    if (text[1] == 'N' && !flags.space && !flags.plus) text.erase(0, 1);
    PadText(WithoutZero(flags), text, out);
    return;
  }
  if (flags.sharp) text = WithPoint(std::move(text), verb, precision);
  if (!flags.plus && text[0] == '+') {
    PadText(flags, std::string_view(text).substr(1), out);
  } else if (flags.zero && !flags.minus && flags.has_width && flags.width > text.size()) {
    // The sign stands before the zeros.
    *out += text[0];
    out->append(flags.width - text.size(), '0').append(text, 1);
  } else {
    PadText(flags, text, out);
  }
}

void FormatText(const FormatFlags& flags, std::string_view text, std::string* out) {
  PadText(flags, Truncated(flags, text), out);
}

void FormatQuoted(const FormatFlags& flags, std::string_view text, std::string* out) {
  text = Truncated(flags, text);
  bool raw = flags.sharp;
  for (std::string_view rest = text; raw && !rest.empty();) {
    const Rune rune = DecodeRune(rest);
    raw = rune.code != '`' && rune.code != 0xfeff && rune.code != 0x7f &&
          (rune.code != kBadRune || rune.size > 1) && (rune.code >= ' ' || rune.code == '\t');
    rest.remove_prefix(rune.size);
  }
  PadText(flags, raw ? "`" + std::string(text) + "`" : QuoteText(text, flags.plus), out);
}

void FormatHexBytes(const FormatFlags& flags, std::string_view text, bool capitals,
                    std::string* out) {
  if (flags.has_precision) text = text.substr(0, flags.precision);
  const std::string_view alphabet = capitals ? kUpperDigits : kLowerDigits;
  const std::string_view mark = !flags.sharp ? "" : capitals ? "0X" : "0x";
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && flags.space) hex += ' ';
    if (i == 0 || flags.space) hex += mark;
    const auto byte = static_cast<unsigned char>(text[i]);
    hex += alphabet[byte >> 4];
    hex += alphabet[byte & 15];
  }
  PadText(flags, hex, out);
}

void FormatRune(const FormatFlags& flags, uint64_t value, std::string* out) {
  std::string text;
  AppendRune(value > 0x10ffff ? kBadRune : static_cast<char32_t>(value), &text);
  PadText(flags, text, out);
}

void FormatQuotedRune(const FormatFlags& flags, uint64_t value, std::string* out) {
  const char32_t rune = value > 0x10ffff ? kBadRune : static_cast<char32_t>(value);
  PadText(flags, QuoteRuneText(rune, flags.plus), out);
}

void FormatUnicode(const FormatFlags& flags, uint64_t value, std::string* out) {
  FormatFlags digits;
  digits.has_precision = true;
  digits.precision = flags.has_precision ? std::max<size_t>(flags.precision, 4) : 4;
  std::string text = "U+";
  FormatInteger(digits, value, false, 16, 'X', &text);
  if (flags.sharp && value <= 0x10ffff && IsPrintRune(static_cast<char32_t>(value))) {
    text += " '";
    AppendRune(static_cast<char32_t>(value), &text);
    text += '\'';
  }
  PadText(WithoutZero(flags), text, out);
}

}  // namespace vigil::tmpl
