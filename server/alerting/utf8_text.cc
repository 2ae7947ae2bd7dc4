// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/utf8_text.h"

#include <cstdint>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

void AppendCodePoint(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xc0 | (code >> 6));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xe0 | (code >> 12));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out += static_cast<char>(0xf0 | (code >> 18));
    *out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// `digits` digits of the base at the front of *text, which is shortened by them.
std::optional<uint32_t> TakeNumber(std::string_view* text, size_t digits, uint32_t base) {
  if (text->size() < digits) return std::nullopt;
  uint32_t value = 0;
  for (char c : text->substr(0, digits)) {
    uint32_t digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  text->remove_prefix(digits);
  return value;
}

// What follows a backslash.
bool AppendEscape(std::string_view* text, std::string* out) {
  static constexpr std::string_view kLetters = "abfnrtv\\\"";
  static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
  if (text->empty()) return false;
  const char letter = text->front();
  if (const size_t at = kLetters.find(letter); at != std::string_view::npos) {
    text->remove_prefix(1);
    *out += kMeanings[at];
    return true;
  }
  if (letter >= '0' && letter <= '7') {
    const std::optional<uint32_t> byte = TakeNumber(text, 3, 8);
    if (!byte || *byte > 255) return false;
    *out += static_cast<char>(*byte);
    return true;
  }
  text->remove_prefix(1);
  if (letter == 'x') {
    const std::optional<uint32_t> byte = TakeNumber(text, 2, 16);
    if (byte) *out += static_cast<char>(*byte);
    return byte.has_value();
  }
  if (letter != 'u' && letter != 'U') return false;
  const std::optional<uint32_t> code = TakeNumber(text, letter == 'u' ? 4 : 8, 16);
  if (!code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) return false;
  AppendCodePoint(*code, out);
  return true;
}

}  // namespace

size_t RuneSize(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  size_t size = 1;
  if (lead >= 0xf0) {
    size = 4;
  } else if (lead >= 0xe0) {
    size = 3;
  } else if (lead >= 0xc0) {
    size = 2;
  }
  return size <= text.size() && IsValidUtf8(text.substr(0, size)) ? size : 1;
}

bool IsUnicodeSpace(std::string_view character) {
  static constexpr std::string_view kWide[] = {"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001",
                                               "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
                                               "\u2007", "\u2008", "\u2009", "\u200a", "\u2028",
                                               "\u2029", "\u202f", "\u205f", "\u3000"};
  if (character.size() == 1) {
    return std::string_view("\t\n\v\f\r ").find(character[0]) != std::string_view::npos;
  }
  for (const std::string_view wide : kWide) {
    if (wide == character) return true;
  }
  return false;
}

std::string_view TrimUnicodeSpace(std::string_view text) {
  while (!text.empty()) {
    const size_t size = RuneSize(text);
    if (!IsUnicodeSpace(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (!text.empty()) {
    size_t size = 1;
    while (size < 4 && size < text.size() &&
           (static_cast<unsigned char>(text[text.size() - size]) & 0xc0) == 0x80) {
      ++size;
    }
    if (!IsUnicodeSpace(text.substr(text.size() - size))) break;
    text.remove_suffix(size);
  }
  return text;
}

size_t RuneCount(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(RuneSize(text));
    ++count;
  }
  return count;
}

std::optional<std::string> UnquoteGo(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '"' || literal.back() != '"') return std::nullopt;
  std::string_view text = literal.substr(1, literal.size() - 2);
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '"' || c == '\n') return std::nullopt;
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (!AppendEscape(&text, &out)) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace vigil::alerting
