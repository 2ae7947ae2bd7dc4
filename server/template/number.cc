// SPDX-License-Identifier: Apache-2.0
// Integers in all bases, floats, and which of the kinds a literal can stand for.
#include "server/template/number.h"

#include <cmath>
#include <limits>
#include <string>

#include "client-lib/model/float_text.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

// Cuts the base's prefix off.
unsigned TakeBase(std::string_view* digits) {
  if (digits->size() < 2 || (*digits)[0] != '0') return 10;
  const char mark = static_cast<char>((*digits)[1] | 0x20);
  const unsigned base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (base == 0) {
    digits->remove_prefix(1);
    return 8;
  }
  digits->remove_prefix(2);
  return base;
}

// Underscores stand between digits, or behind the prefix, one at a time.
bool UnderscoresAreRight(std::string_view digits, bool prefixed) {
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') continue;
    if ((i == 0 && !prefixed) || i + 1 == digits.size() || digits[i + 1] == '_') return false;
  }
  return true;
}

unsigned DigitOf(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 99;
}

std::shared_ptr<const NumberNode> CharNumber(size_t position, std::string_view text,
                                             std::string* error) {
  auto node = std::make_shared<NumberNode>(position, std::string(text));
  std::string content;
  if (!Unquote(text, &content) || content.empty()) {
    *error = "invalid syntax";
    return nullptr;
  }
  const Rune rune = DecodeRune(content);
  const bool byte_escape = content.size() == 1;
  if (!byte_escape && rune.size != content.size()) {
    *error = "malformed character constant: " + std::string(text);
    return nullptr;
  }
  node->int_value = byte_escape ? static_cast<unsigned char>(content[0]) : int64_t{rune.code};
  node->uint_value = static_cast<uint64_t>(node->int_value);
  node->float_value = static_cast<double>(node->int_value);
  node->is_int = node->is_uint = node->is_float = true;
  return node;
}

void ReadFloat(std::string_view text, NumberNode* node) {
  // Go's ParseFloat takes underscores only with a base prefix.
  const std::optional<double> value = ParseFloat(text);
  if (!value || std::isinf(*value)) return;
  node->is_float = true;
  node->float_value = *value;
  // 1e3 is an integer, too, where one is asked for. (2^63 and above are out of range.)
  if (!node->is_int && *value >= -0x1p63 && *value < 0x1p63 && std::trunc(*value) == *value) {
    node->is_int = true;
    node->int_value = static_cast<int64_t>(*value);
  }
  if (!node->is_uint && *value >= 0 && *value < 0x1p64 && std::trunc(*value) == *value) {
    node->is_uint = true;
    node->uint_value = static_cast<uint64_t>(*value);
  }
}

}  // namespace

std::optional<uint64_t> ParseUintLiteral(std::string_view text) {
  std::string_view digits = text;
  const unsigned base = TakeBase(&digits);
  if (digits.empty() || !UnderscoresAreRight(digits, digits.size() != text.size())) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : digits) {
    if (c == '_') continue;
    const unsigned digit = DigitOf(c);
    if (digit >= base) return std::nullopt;
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

std::optional<int64_t> ParseIntLiteral(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  const std::optional<uint64_t> magnitude = ParseUintLiteral(text);
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  if (!magnitude || *magnitude > kLimit || (!minus && *magnitude == kLimit)) return std::nullopt;
  return static_cast<int64_t>(minus ? ~*magnitude + 1 : *magnitude);
}

std::shared_ptr<const NumberNode> ParseNumber(size_t position, std::string_view text, bool is_char,
                                              std::string* error) {
  if (is_char) return CharNumber(position, text, error);
  auto node = std::make_shared<NumberNode>(position, std::string(text));
  if (text.ends_with('i')) {
    *error = "complex numbers are not supported: " + std::string(text);
    return nullptr;
  }
  if (const auto value = ParseUintLiteral(text)) {
    node->is_uint = true;
    node->uint_value = *value;
  }
  if (const auto value = ParseIntLiteral(text)) {
    node->is_int = true;
    node->int_value = *value;
    if (*value == 0) node->is_uint = true;  // -0
  }
  if (node->is_int || node->is_uint) {
    node->is_float = true;
    node->float_value =
        node->is_int ? static_cast<double>(node->int_value) : static_cast<double>(node->uint_value);
    return node;
  }
  const bool hex = text.find_first_of("xX") != std::string_view::npos;
  const bool looks_float = text.find_first_of(hex ? ".pP" : ".eE") != std::string_view::npos;
  if (!looks_float) {
    // Digits only, yet out of range.
    *error = ParseFloat(text) ? "integer overflow: " + QuoteText(text)
                              : "illegal number syntax: " + QuoteText(text);
    return nullptr;
  }
  ReadFloat(text, node.get());
  if (!node->is_float) {
    *error = "illegal number syntax: " + QuoteText(text);
    return nullptr;
  }
  node->written_as_float = true;
  return node;
}

}  // namespace vigil::tmpl
