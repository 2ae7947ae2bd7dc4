// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/digits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace vigil::chunks {
namespace {

__extension__ using Wide = unsigned __int128;

// A word is divided by multiplying: into two halves of four digits, and each half into digits.
struct Reciprocal {
  uint64_t multiplier = 0;  // the upper half is word * multiplier >> 64 + shift
  unsigned shift = 0;
  unsigned word_bits = 0;
  uint64_t most = 0;      // radix^8 - 1
  uint64_t half = 0;      // radix^4
  uint64_t fraction = 0;  // half * fraction is 1 and a little more, in units of 2^-64
};

constexpr Reciprocal ReciprocalOf(uint64_t radix) {
  Reciprocal reciprocal;
  reciprocal.half = radix * radix * radix * radix;
  reciprocal.most = reciprocal.half * reciprocal.half - 1;
  reciprocal.shift = static_cast<unsigned>(std::bit_width(reciprocal.half)) - 2;
  reciprocal.multiplier =
      static_cast<uint64_t>((Wide{1} << (64 + reciprocal.shift)) / reciprocal.half) + 1;
  reciprocal.word_bits = static_cast<unsigned>(std::bit_width(reciprocal.most));
  reciprocal.fraction = static_cast<uint64_t>((Wide{1} << 64) / reciprocal.half) + 1;
  return reciprocal;
}

constexpr auto kReciprocals = [] {
  std::array<Reciprocal, kMostRadix + 1> all{};
  for (unsigned radix = kLeastRadix; radix <= kMostRadix; ++radix) {
    all[radix] = ReciprocalOf(radix);
  }
  return all;
}();

// The word at an index; zeros behind the last byte.
uint64_t LoadItem(const PackedItems& items, size_t index) {
  const size_t bit = index * items.bits;
  const size_t byte = bit / 8;
  uint64_t word = 0;
  if (byte + 8 <= items.size) {
    word = LoadWord(items.data + byte);
  } else if (byte < items.size) {
    std::memcpy(&word, items.data + byte, items.size - byte);
  }
  return word >> (bit % 8) & ((uint64_t{1} << items.bits) - 1);
}

// What is before the point of a fraction times the radix; the fraction keeps what is behind it.
inline uint64_t TakeDigit(uint64_t* fraction, uint64_t radix) {
  const Wide product = Wide{*fraction} * radix;
  *fraction = static_cast<uint64_t>(product);
  return static_cast<uint64_t>(product >> 64);
}

uint64_t UpperHalf(uint64_t word, const Reciprocal& reciprocal) {
  return static_cast<uint64_t>((Wide{word} * reciprocal.multiplier) >> 64) >> reciprocal.shift;
}

// Adds eight digits, the first one the most significant. Two fractions side by side: each digit of
// one waits for the one before.
inline void AddDigits(uint64_t word, const Reciprocal& reciprocal, uint64_t radix, uint64_t scale,
                      uint64_t* out) {
  const uint64_t upper = UpperHalf(word, reciprocal);
  uint64_t first = upper * reciprocal.fraction;
  uint64_t second = (word - upper * reciprocal.half) * reciprocal.fraction;
  out[0] += TakeDigit(&first, radix) * scale;
  out[4] += TakeDigit(&second, radix) * scale;
  out[1] += TakeDigit(&first, radix) * scale;
  out[5] += TakeDigit(&second, radix) * scale;
  out[2] += TakeDigit(&first, radix) * scale;
  out[6] += TakeDigit(&second, radix) * scale;
  out[3] += TakeDigit(&first, radix) * scale;
  out[7] += TakeDigit(&second, radix) * scale;
}

#ifdef __SSE2__

// Two words at a time: their four halves into eight pairs of digits, these into sixteen digits.
class PairUnpacker {
 public:
  PairUnpacker(const DigitForm& form, const Reciprocal& reciprocal)
      : reciprocal_(reciprocal),
        low_bits_(_mm_cvtsi32_si128(static_cast<int>(form.low_bits))),
        square_(_mm_set1_epi32(static_cast<int>(form.radix * form.radix))),
        below_square_(_mm_set1_epi32(static_cast<int>(form.radix * form.radix - 1))),
        radix_(_mm_set1_epi16(static_cast<int16_t>(form.radix))) {
    // A little too small: quotients of floats, whose last bits are not known, are right or 1 less.
    constexpr float kBelowOne = 1 - 1.0F / (1 << 21);
    inverse_square_ = _mm_set1_ps(kBelowOne / static_cast<float>(form.radix * form.radix));
    // 2^(16 + shift) / radix, rounded up, is below 2^16, and pairs are below radix^2: exact.
    const unsigned shift = BitWidth(form.radix) - 1;
    const unsigned inverse = ((1U << (16 + shift)) - 1) / form.radix + 1;
    inverse_ = _mm_set1_epi16(static_cast<int16_t>(static_cast<uint16_t>(inverse)));
    // Of a power of two 2^16: that many times larger is the same as no multiplying.
    shift_ = _mm_cvtsi32_si128(static_cast<int>(shift));
    is_power_ = inverse > 0xffff;
  }

  void Add(uint64_t word_a, uint64_t word_b, uint64_t* out) const {
    const uint64_t upper_a = UpperHalf(word_a, reciprocal_);
    const uint64_t upper_b = UpperHalf(word_b, reciprocal_);
    const __m128i halves = _mm_set_epi32(
        static_cast<int>(word_b - upper_b * reciprocal_.half), static_cast<int>(upper_b),
        static_cast<int>(word_a - upper_a * reciprocal_.half), static_cast<int>(upper_a));
    __m128i quotients = _mm_cvttps_epi32(_mm_mul_ps(_mm_cvtepi32_ps(halves), inverse_square_));
    // Both factors are below 2^15.
    __m128i rests = _mm_sub_epi32(halves, _mm_madd_epi16(quotients, square_));
    const __m128i more = _mm_cmpgt_epi32(rests, below_square_);
    quotients = _mm_sub_epi32(quotients, more);
    rests = _mm_sub_epi32(rests, _mm_and_si128(more, square_));
    const __m128i pairs = _mm_or_si128(quotients, _mm_slli_epi32(rests, 16));
    const __m128i high = is_power_ ? pairs : _mm_mulhi_epu16(pairs, inverse_);
    const __m128i tens = _mm_srl_epi16(high, shift_);
    const __m128i ones = _mm_sub_epi16(pairs, _mm_mullo_epi16(tens, radix_));
    AddEight(_mm_unpacklo_epi16(tens, ones), out);
    AddEight(_mm_unpackhi_epi16(tens, ones), out + kDigitGroup);
  }

 private:
  void AddEight(__m128i digits, uint64_t* out) const {
    const __m128i zero = _mm_setzero_si128();
    const __m128i first = _mm_unpacklo_epi16(digits, zero);
    const __m128i second = _mm_unpackhi_epi16(digits, zero);
    AddTwo(_mm_unpacklo_epi32(first, zero), out);
    AddTwo(_mm_unpackhi_epi32(first, zero), out + 2);
    AddTwo(_mm_unpacklo_epi32(second, zero), out + 4);
    AddTwo(_mm_unpackhi_epi32(second, zero), out + 6);
  }
  void AddTwo(__m128i digits, uint64_t* out) const {
    auto* const at = reinterpret_cast<__m128i*>(out);
    _mm_storeu_si128(at, _mm_add_epi64(_mm_loadu_si128(at), _mm_sll_epi64(digits, low_bits_)));
  }

  const Reciprocal reciprocal_;
  const __m128i low_bits_;
  const __m128i square_;
  const __m128i below_square_;
  const __m128i radix_;
  __m128 inverse_square_;
  __m128i inverse_;
  __m128i shift_;
  bool is_power_;
};

#endif

}  // namespace

DigitForm FormOf(uint64_t range) {
  const unsigned bits = BitWidth(range - 1);
  DigitForm form;
  form.low_bits = bits > 7 ? bits - 7 : 0;
  const uint64_t radix = ((range - 1) >> form.low_bits) + 1;
  const bool fits = radix >= kLeastRadix && radix <= kMostRadix && form.low_bits <= kMostLowBits;
  form.radix = fits && !std::has_single_bit(radix) ? static_cast<unsigned>(radix) : 0;
  if (form.radix == 0) form.low_bits = bits;
  return form;
}

unsigned DigitWordBits(unsigned radix) { return kReciprocals[radix].word_bits; }

size_t DigitsSize(size_t count, const DigitForm& form) {
  return PackedSize(count, form.low_bits) +
         PackedSize((count + kDigitGroup - 1) / kDigitGroup, DigitWordBits(form.radix));
}

void UnpackDigits(const DigitItems& items, size_t first, size_t count, uint64_t* out) {
  Unpack(items.lows, first, count, out);
  const Reciprocal reciprocal = kReciprocals[items.form.radix];
  const uint64_t scale = uint64_t{1} << items.form.low_bits;
  const auto word_at = [&](size_t i) {
    return std::min(LoadItem(items.words, (first + i) / kDigitGroup), reciprocal.most);
  };
  size_t i = 0;
#ifdef __SSE2__
  const PairUnpacker pairs(items.form, reciprocal);
  for (; i + kDigitGroup < count; i += 2 * kDigitGroup) {
    pairs.Add(word_at(i), word_at(i + kDigitGroup), out + i);
  }
#endif
  for (; i < count; i += kDigitGroup) {
    AddDigits(word_at(i), reciprocal, items.form.radix, scale, out + i);
  }
}

}  // namespace vigil::chunks
