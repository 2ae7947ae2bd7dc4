// SPDX-License-Identifier: Apache-2.0
#include "server/promql/utf8.h"

#include <algorithm>

namespace vigil::promql {
namespace {

constexpr int32_t kMaxRune = 0x10ffff;
// The smallest value that needs so many bytes: shorter forms of a value are invalid.
constexpr int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

size_t LengthOf(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

bool IsSurrogate(int32_t rune) { return rune >= 0xd800 && rune < 0xe000; }

}  // namespace

Rune DecodeRune(std::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t size = LengthOf(lead);
  const Rune invalid{kReplacementRune, 1, false};
  if (size == 1) return {lead, 1, true};
  if (size == 0 || size > text.size()) return invalid;
  int32_t value = lead & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xc0) != 0x80) return invalid;
    value = (value << 6) | (c & 0x3f);
  }
  if (value < kSmallest[size] || value > kMaxRune || IsSurrogate(value)) return invalid;
  return {value, size, true};
}

void AppendRune(int32_t rune, std::string* out) {
  if (rune < 0 || rune > kMaxRune || IsSurrogate(rune)) rune = kReplacementRune;
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | ((rune >> shift) & 0x3f)));
  };
  if (rune < 0x80) {
    out->push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (rune >> 6)));
    tail(0);
  } else if (rune < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (rune >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | (rune >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace vigil::promql
