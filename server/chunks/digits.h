// SPDX-License-Identifier: Apache-2.0
// Items as digits (chunk.h): noise of a range between two powers of two in about the bits that it
// has, where packed() takes those of the next power.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/chunks/bytes.h"
#include "server/chunks/packing.h"

namespace vigil::chunks {

// Digits that make one word.
inline constexpr size_t kDigitGroup = 8;
inline constexpr unsigned kLeastRadix = 3;
inline constexpr unsigned kMostRadix = 127;  // words have 56 bits then
inline constexpr unsigned kMostLowBits = 48;

// What one digit stands for and how many bits lie below it.
struct DigitForm {
  unsigned radix = 0;  // 0: packed(), of low_bits bits
  unsigned low_bits = 0;

  [[nodiscard]] uint64_t range() const { return uint64_t{radix == 0 ? 1 : radix} << low_bits; }
};

// The form with which `range` different items take the fewest bytes; radix 0 when it is a power of
// two or too large. REQUIRES: range > 0.
DigitForm FormOf(uint64_t range);

// REQUIRES for what follows: a radix and low bits within the limits above.
// Bits of a word of digits.
unsigned DigitWordBits(unsigned radix);
size_t DigitsSize(size_t count, const DigitForm& form);

// Digits as they lie in a chunk.
struct DigitItems {
  DigitForm form;
  PackedItems lows;
  PackedItems words;
};

// As Unpack().
void UnpackDigits(const DigitItems& items, size_t first, size_t count, uint64_t* out);

// As PutPacked(); item(i) is below form.range().
template <typename F>
uint8_t* PutDigits(uint8_t* out, size_t count, const DigitForm& form, F&& item) {
  const uint64_t mask = (uint64_t{1} << form.low_bits) - 1;
  out = PutPacked(out, count, form.low_bits, [&](size_t i) { return item(i) & mask; });
  return PutPacked(out, (count + kDigitGroup - 1) / kDigitGroup, DigitWordBits(form.radix),
                   [&](size_t group) {
                     uint64_t word = 0;
                     for (size_t i = group * kDigitGroup; i < (group + 1) * kDigitGroup; ++i) {
                       word = word * form.radix + (i < count ? item(i) >> form.low_bits : 0);
                     }
                     return word;
                   });
}

}  // namespace vigil::chunks
