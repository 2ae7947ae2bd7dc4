// SPDX-License-Identifier: Apache-2.0
// Reads the bricks of the formats (chunk.h) byte by byte and bit by bit, for the slow decoders.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vigil::chunks::testing {

struct SlowCursor {
  std::string_view bytes;
  size_t at = 0;

  unsigned Byte() { return static_cast<unsigned char>(bytes.at(at++)); }
  uint64_t Word(unsigned width) {
    uint64_t word = 0;
    for (unsigned i = 0; i < width; ++i) word += uint64_t{Byte()} << (8 * i);
    return word;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const unsigned byte = Byte();
      value += uint64_t{byte % 128} << shift;
      if (byte < 128) return value;
    }
  }
  uint64_t ZigZag() {
    const uint64_t z = Varint();
    return z % 2 == 0 ? z / 2 : 0 - (z / 2) - 1;
  }
  // Sets *mantissa for decimals.
  double NumberOf(unsigned control, uint64_t* mantissa, bool* decimal) {
    const unsigned width = control % 16;
    uint64_t word = Word(width);
    *decimal = control < 0x80;
    if (!*decimal) {
      for (unsigned i = width; i < 8; ++i) word *= 256;
      return std::bit_cast<double>(word);
    }
    if (width > 0 && width < 8 && ((word >> (8 * width - 1)) & 1) != 0) {
      word -= uint64_t{1} << (8 * width);
    }
    *mantissa = word;
    return static_cast<double>(static_cast<int64_t>(word)) / std::pow(10.0, control / 16);
  }
  double Number(uint64_t* mantissa, bool* decimal) {
    const unsigned control = Byte();
    return NumberOf(control, mantissa, decimal);
  }
  double Number() {
    uint64_t mantissa = 0;
    bool decimal = false;
    return Number(&mantissa, &decimal);
  }
  std::vector<uint64_t> Packed(size_t count, unsigned bits) {
    std::vector<uint64_t> items(count);
    for (size_t i = 0; i < count * bits; ++i) {
      const auto byte = static_cast<unsigned char>(bytes.at(at + i / 8));
      if (((byte >> (i % 8)) & 1) != 0) items[i / bits] += uint64_t{1} << (i % bits);
    }
    at += (count * bits + 7) / 8;
    return items;
  }
};

}  // namespace vigil::chunks::testing
