// SPDX-License-Identifier: Apache-2.0
// See name_escaping.h.
#include "server/web/name_escaping.h"

#include <array>
#include <charconv>

#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"

namespace vigil::web {
namespace {

constexpr std::array<std::string_view, 4> kEscapingWords = {"allow-utf-8", "underscores", "dots",
                                                            "values"};
constexpr std::string_view kEncodedPrefix = "U__";

bool IsLegacyByte(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return letter || (!first && c >= '0' && c <= '9');
}

bool IsLegacy(std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsLegacyByte(name[i], i == 0)) return false;
  }
  return !name.empty();
}

// Takes one character off the front; its code, or U+FFFD for what is no UTF-8.
uint32_t TakeCharacter(std::string_view* text) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>((*text)[i]));
  };
  size_t length = 1;
  if (byte(0) >= 0xf0) {
    length = 4;
  } else if (byte(0) >= 0xe0) {
    length = 3;
  } else if (byte(0) >= 0xc0) {
    length = 2;
  }
  if (length > text->size() || !IsValidUtf8(text->substr(0, length))) {
    text->remove_prefix(1);
    return 0xfffd;
  }
  uint32_t code = length == 1 ? byte(0) : byte(0) & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3f);
  text->remove_prefix(length);
  return code;
}

void AppendEscaped(uint32_t code, bool first, NameEscaping escaping, std::string* out) {
  const char c = code < 0x80 ? static_cast<char>(code) : '\0';
  if (escaping == NameEscaping::kDots && c == '.') {
    out->append("_dot_");
  } else if (c == '_' && escaping != NameEscaping::kUnderscores) {
    out->append("__");
  } else if (IsLegacyByte(c, first)) {
    out->push_back(c);
  } else if (escaping == NameEscaping::kUnderscores) {
    out->push_back('_');
  } else if (escaping == NameEscaping::kDots) {
    out->append("__");
  } else {
    std::array<char, 8> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), code, 16).ptr;
    out->append("_").append(digits.data(), end).append("_");
  }
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

}  // namespace

std::optional<NameEscaping> ParseNameEscaping(std::string_view word) {
  for (size_t i = 0; i < kEscapingWords.size(); ++i) {
    if (kEscapingWords[i] == word) return static_cast<NameEscaping>(i);
  }
  return std::nullopt;
}

std::string_view NameEscapingWord(NameEscaping escaping) {
  return kEscapingWords[static_cast<size_t>(escaping)];
}

std::string EscapeName(std::string_view name, NameEscaping escaping) {
  const bool as_it_is = name.empty() || escaping == NameEscaping::kAllowUtf8 ||
                        (escaping != NameEscaping::kDots && IsLegacy(name));
  if (as_it_is) return std::string(name);
  std::string out(escaping == NameEscaping::kValues ? kEncodedPrefix : std::string_view());
  for (bool first = true; !name.empty(); first = false) {
    AppendEscaped(TakeCharacter(&name), first, escaping, &out);
  }
  return out;
}

std::string UnescapeLabelName(std::string_view name) {
  if (!name.starts_with(kEncodedPrefix)) return std::string(name);
  const std::string_view body = name.substr(kEncodedPrefix.size());
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] != '_') {
      out.push_back(body[i++]);
      continue;
    }
    const size_t close = body.find('_', i + 1);
    if (close == std::string_view::npos) return std::string(name);
    if (close == i + 1) {  // two underscores are one
      out.push_back('_');
    } else {
      uint32_t code = 0;
      const auto parsed = std::from_chars(body.data() + i + 1, body.data() + close, code, 16);
      if (parsed.ec != std::errc() || parsed.ptr != body.data() + close || code > 0x10ffff) {
        return std::string(name);
      }
      AppendUtf8(code, &out);
    }
    i = close + 1;
  }
  return out;
}

}  // namespace vigil::web
