// SPDX-License-Identifier: Apache-2.0
// UTF-8, classes of characters (from the C library's C.UTF-8 tables) and Go's quoting.
#include "server/template/rune.h"

#include <clocale>
#include <cwctype>

namespace vigil::tmpl {
namespace {

// The library's tables of Unicode; "C" when a system has no C.UTF-8.
locale_t UnicodeLocale() {
  static const locale_t locale = [] {
    const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return unicode != nullptr ? unicode : newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return locale;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

void AppendHexDigits(uint32_t value, int digits, std::string* out) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    *out += kHexDigits[value >> shift & 15];
}

int HexDigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const auto lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::string_view kEscapeNames = "abfnrtv\\'\"";
constexpr std::string_view kEscapeCodes = "\a\b\f\n\r\t\v\\'\"";

void AppendQuotedRune(Rune rune, std::string_view bytes, char quote, bool ascii_only,
                      std::string* out) {
  const char32_t c = rune.code;
  if (c == kBadRune && rune.size == 1) {
    *out += "\\x";
    AppendHexDigits(static_cast<unsigned char>(bytes[0]), 2, out);
  } else if (c == static_cast<unsigned char>(quote) || c == '\\') {
    *out += '\\';
    *out += static_cast<char>(c);
  } else if (c < 0x80 ? IsPrintRune(c) : !ascii_only && IsPrintRune(c)) {
    AppendRune(c, out);
  } else if (const size_t at = kEscapeCodes.substr(0, 7).find(static_cast<char>(c));
             c < 0x80 && at != std::string_view::npos) {
    *out += '\\';
    *out += kEscapeNames[at];
  } else if (c < ' ' || c == 0x7f) {
    *out += "\\x";
    AppendHexDigits(c, 2, out);
  } else {
    *out += c < 0x10000 ? "\\u" : "\\U";
    AppendHexDigits(c, c < 0x10000 ? 4 : 8, out);
  }
}

bool AppendOctal(std::string_view* text, std::string* out) {
  if (text->size() < 3) return false;
  int value = 0;
  for (size_t i = 0; i < 3; ++i) {
    if ((*text)[i] < '0' || (*text)[i] > '7') return false;
    value = value * 8 + ((*text)[i] - '0');
  }
  if (value > 255) return false;
  *out += static_cast<char>(value);
  text->remove_prefix(3);
  return true;
}

bool AppendHexEscape(char kind, std::string_view* text, std::string* out) {
  const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
  if (text->size() < digits + 1) return false;
  uint32_t value = 0;
  for (size_t i = 1; i <= digits; ++i) {
    const int digit = HexDigitOf((*text)[i]);
    if (digit < 0) return false;
    value = value << 4 | static_cast<uint32_t>(digit);
  }
  text->remove_prefix(digits + 1);
  if (kind == 'x') {
    *out += static_cast<char>(value);
    return true;
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
  AppendRune(value, out);
  return true;
}

template <typename Map>
std::string MapRunes(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    AppendRune(map(rune.code), &out);
    text.remove_prefix(rune.size);
  }
  return out;
}

}  // namespace

Rune DecodeRune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  char32_t code = lead & (0x7fU >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (too_long || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, size};
}

void AppendRune(char32_t rune, std::string* out) {
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) rune = kBadRune;
  const auto put = [&](char32_t byte) { *out += static_cast<char>(byte); };
  if (rune < 0x80) return put(rune);
  if (rune < 0x800) {
    put(0xc0 | rune >> 6);
  } else {
    if (rune < 0x10000) {
      put(0xe0 | rune >> 12);
    } else {
      put(0xf0 | rune >> 18);
      put(0x80 | (rune >> 12 & 0x3f));
    }
    put(0x80 | (rune >> 6 & 0x3f));
  }
  put(0x80 | (rune & 0x3f));
}

size_t CountRunes(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(DecodeRune(text).size);
  return count;
}

bool IsSpaceRune(char32_t rune) {
  if (rune < 0x80) return rune == ' ' || (rune >= '\t' && rune <= '\r');
  return rune == 0x85 || rune == 0xa0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) ||
         rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

bool IsLetterRune(char32_t rune) {
  if (rune < 0x80) return (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z';
  const auto wide = static_cast<wint_t>(rune);
  return iswalpha_l(wide, UnicodeLocale()) != 0 && !IsDigitRune(rune);
}

bool IsDigitRune(char32_t rune) {
  if (rune < 0x80) return rune >= '0' && rune <= '9';
  // The decimal digits of the scripts that have a block of ten.
  constexpr char32_t kZeros[] = {0x660,  0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66,  0xae6,
                                 0xb66,  0xbe6,  0xc66,  0xce6,  0xd66,  0xde6,  0xe50,
                                 0xed0,  0xf20,  0x1040, 0x1090, 0x17e0, 0x1810, 0x1946,
                                 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
                                 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xaa50, 0xabf0, 0xff10};
  for (const char32_t zero : kZeros) {
    if (rune >= zero && rune < zero + 10) return true;
  }
  return false;
}

bool IsPrintRune(char32_t rune) {
  if (rune < 0x80) return rune >= ' ' && rune < 0x7f;
  // Other spaces than ' ' are not printed as they are, nor is the soft hyphen.
  if (IsSpaceRune(rune) || rune == 0xad) return false;
  return iswprint_l(static_cast<wint_t>(rune), UnicodeLocale()) != 0 &&
         !(rune >= 0xe000 && rune < 0xf900) && rune != 0xfeff &&
         !(rune >= 0x200b && rune <= 0x200f) && !(rune >= 0x202a && rune <= 0x202e) &&
         !(rune >= 0x2060 && rune <= 0x206f);
}

char32_t UpperRune(char32_t rune) {
  return static_cast<char32_t>(towupper_l(static_cast<wint_t>(rune), UnicodeLocale()));
}

char32_t LowerRune(char32_t rune) {
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(rune), UnicodeLocale()));
}

std::string ToUpperText(std::string_view text) { return MapRunes(text, UpperRune); }
std::string ToLowerText(std::string_view text) { return MapRunes(text, LowerRune); }

std::string TrimSpaceText(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (!IsSpaceRune(rune.code)) break;
    text.remove_prefix(rune.size);
  }
  size_t end = 0;  // behind the last character that is no space
  for (size_t i = 0; i < text.size();) {
    const Rune rune = DecodeRune(text.substr(i));
    i += rune.size;
    if (!IsSpaceRune(rune.code)) end = i;
  }
  return std::string(text.substr(0, end));
}

std::string QuoteText(std::string_view text, bool ascii_only) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    AppendQuotedRune(rune, text, '"', ascii_only, &out);
    text.remove_prefix(rune.size);
  }
  return out + '"';
}

std::string QuoteRuneText(char32_t rune, bool ascii_only) {
  if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) rune = kBadRune;
  std::string out = "'";
  AppendQuotedRune({rune, 3}, {}, '\'', ascii_only, &out);
  return out + '\'';
}

std::string ShowRune(char32_t rune) {
  std::string out = "U+";
  std::string digits;
  AppendHexDigits(rune, rune > 0xfffff ? 6 : rune > 0xffff ? 5 : 4, &digits);
  for (const char c : digits) out += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  if (!IsPrintRune(rune)) return out;
  out += " '";
  AppendRune(rune, &out);
  return out + '\'';
}

bool AppendUnescaped(std::string_view* text, char quote, std::string* out) {
  if (text->empty()) return false;
  const char c = (*text)[0];
  if (c == 'x' || c == 'u' || c == 'U') return AppendHexEscape(c, text, out);
  if (c >= '0' && c <= '7') return AppendOctal(text, out);
  const size_t at = kEscapeNames.find(c);
  if (at == std::string_view::npos) return false;
  if ((c == '\'' || c == '"') && c != quote) return false;
  *out += kEscapeCodes[at];
  text->remove_prefix(1);
  return true;
}

bool Unquote(std::string_view literal, std::string* out) {
  if (literal.size() < 2 || literal.front() != literal.back()) return false;
  const char quote = literal.front();
  std::string_view rest = literal.substr(1, literal.size() - 2);
  if (quote == '`') {
    for (const char c : rest) {
      if (c != '\r') *out += c;
    }
    return true;
  }
  while (!rest.empty()) {
    const char c = rest[0];
    if (c == quote || c == '\n') return false;
    rest.remove_prefix(1);
    if (c != '\\') {
      *out += c;
    } else if (!AppendUnescaped(&rest, quote, out)) {
      return false;
    }
  }
  return true;
}

}  // namespace vigil::tmpl
