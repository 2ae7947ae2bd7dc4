// SPDX-License-Identifier: Apache-2.0
// String helpers: splitting, numbers, UTF-8, Go quoting, percent and base64 codings.
#include "client-lib/base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace vigil {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\v\f";

char LowerChar(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char UpperChar(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  T value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || stop != end) return std::nullopt;
  return value;
}

struct Rune {
  char32_t code = 0;
  size_t size = 0;  // 0: not valid UTF-8 here
};

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The first character; shortest forms only, no surrogates, at most U+10FFFF.
// REQUIRES: !text.empty()
Rune DecodeRune(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  char32_t code = lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text[i])) return {};
    code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, size};
}

struct RuneRange {
  char32_t first;
  char32_t last;
};

// What Go does not print as it is: controls, format characters, spaces other than U+0020, private
// use and the planes without characters. Unassigned code points elsewhere count as printable.
constexpr RuneRange kUnprintable[] = {
    {0x00, 0x1f},       {0x7f, 0xa0},        {0xad, 0xad},       {0x600, 0x605},
    {0x61c, 0x61c},     {0x6dd, 0x6dd},      {0x70f, 0x70f},     {0x890, 0x891},
    {0x8e2, 0x8e2},     {0x1680, 0x1680},    {0x180e, 0x180e},   {0x2000, 0x200f},
    {0x2028, 0x202f},   {0x205f, 0x206f},    {0x3000, 0x3000},   {0xd800, 0xf8ff},
    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},    {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f},  {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0x323b0, 0xe00ff}, {0xe01f0, 0x10ffff},
};

bool IsPrintable(char32_t code) {
  const auto* range = std::lower_bound(std::begin(kUnprintable), std::end(kUnprintable), code,
                                       [](RuneRange r, char32_t c) { return r.last < c; });
  return range == std::end(kUnprintable) || code < range->first;
}

// The letter behind the backslash, or 0.
char ShortEscape(char32_t code) {
  switch (code) {
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '"':
    case '\\':
      return static_cast<char>(code);
    default:
      return 0;
  }
}

void AppendQuotedRune(Rune rune, std::string_view bytes, std::string* out) {
  auto sink = std::back_inserter(*out);
  if (const char letter = ShortEscape(rune.code)) {
    *out += '\\';
    *out += letter;
  } else if (IsPrintable(rune.code)) {
    *out += bytes;
  } else if (rune.code < 0x80) {
    fmt::format_to(sink, "\\x{:02x}", static_cast<uint32_t>(rune.code));
  } else if (rune.code < 0x10000) {
    fmt::format_to(sink, "\\u{:04x}", static_cast<uint32_t>(rune.code));
  } else {
    fmt::format_to(sink, "\\U{:08x}", static_cast<uint32_t>(rune.code));
  }
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = LowerChar(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int Base64Digit(char c) {
  if (c == '-') c = '+';
  if (c == '_') c = '/';
  if (c == '\0') return -1;
  const size_t at = kBase64.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string_view TrimSpace(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> fields;
  size_t pos = 0;
  while ((pos = text.find_first_not_of(" \t", pos)) != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(" \t", pos), text.size());
    fields.push_back(text.substr(pos, end - pos));
    pos = end;
  }
  return fields;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), LowerChar);
  return lower;
}

std::string AsciiUpper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), UpperChar);
  return upper;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return LowerChar(x) == LowerChar(y); });
}

std::optional<uint64_t> ParseUint(std::string_view text) { return ParseInteger<uint64_t>(text); }

std::optional<int64_t> ParseInt(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseInteger<int64_t>(text);
}

bool IsValidUtf8(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080ULL;
  while (!text.empty()) {
    // Most text is ASCII: eight characters at a time.
    if (uint64_t word = 0; text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & kHighBits) == 0) {
        text.remove_prefix(sizeof word);
        continue;
      }
    }
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      text.remove_prefix(1);
      continue;
    }
    const Rune rune = DecodeRune(text);
    if (rune.size == 0) return false;
    text.remove_prefix(rune.size);
  }
  return true;
}

std::string Quote(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size() + 2);
  quoted += '"';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const size_t size = std::max<size_t>(rune.size, 1);
    if (rune.size == 0) {
      fmt::format_to(std::back_inserter(quoted), "\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else {
      AppendQuotedRune(rune, text.substr(0, size), &quoted);
    }
    text.remove_prefix(size);
  }
  quoted += '"';
  return quoted;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return BadData("invalid URL escape " + Quote(text.substr(i, 3)));
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Result<std::string> Base64Decode(std::string_view text) {
  const size_t end = std::min(text.find('='), text.size());
  const size_t padding = text.size() - end;
  std::string decoded;
  uint32_t bits = 0;
  unsigned count = 0;
  for (size_t i = 0; i < end; ++i) {
    const int digit = Base64Digit(text[i]);
    if (digit < 0) {
      return BadData(fmt::format("illegal base64 data at input byte {}", i));
    }
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      decoded += static_cast<char>((bits >> count) & 0xff);
    }
  }
  // A lone digit carries no byte; padding is at most what the last group lacks.
  const bool only_padding = text.substr(end).find_first_not_of('=') == std::string_view::npos;
  if (end % 4 == 1 || !only_padding || padding > 2) {
    return BadData(fmt::format("illegal base64 data at input byte {}", end));
  }
  return decoded;
}

std::string Base64Encode(std::string_view bytes) {
  std::string encoded;
  encoded.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(bytes.size() - i, 3);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      encoded += j <= left ? kBase64[(group >> (18 - 6 * j)) & 0x3f] : '=';
    }
  }
  return encoded;
}

}  // namespace vigil
