// SPDX-License-Identifier: Apache-2.0
// One character at a time, as the lexer needs it for positions and messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::promql {

inline constexpr int32_t kEndOfText = -1;
inline constexpr int32_t kReplacementRune = 0xfffd;

struct Rune {
  int32_t value = kEndOfText;
  size_t size = 0;    // bytes; 0 at the end of the text
  bool valid = true;  // false: a byte that is no UTF-8; value is the replacement character
};

// The first character of the text.
Rune DecodeRune(std::string_view text);
// What is no character becomes the replacement character.
void AppendRune(int32_t rune, std::string* out);

}  // namespace vigil::promql
