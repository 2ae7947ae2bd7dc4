// SPDX-License-Identifier: Apache-2.0
// A stream of bits, highest bit first, and the number formats of Prometheus's chunks on it. Layout:
// github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace vigil::remote {

// Threads: owner thread only.
class BitWriter {
 public:
  // Appends to *out; the last byte is there after Finish().
  explicit BitWriter(std::string* out) : out_(out) {}

  void Bit(bool bit) { Bits(bit ? 1 : 0, 1); }
  // The lowest `count` bits. REQUIRES: count <= 64.
  void Bits(uint64_t value, unsigned count) {
    if (count > 32) {
      Bits(value >> 32, count - 32);
      count = 32;
    }
    held_ = held_ << count | (value & ((uint64_t{1} << count) - 1));
    held_bits_ += count;
    while (held_bits_ >= 8) {
      held_bits_ -= 8;
      out_->push_back(static_cast<char>(held_ >> held_bits_));
    }
  }
  void Double(double value) { Bits(std::bit_cast<uint64_t>(value), 64); }
  // Fills the last byte with zeros.
  void Finish() {
    if (held_bits_ > 0) Bits(0, 8 - held_bits_);
  }

  // Bytes of seven bits, lowest first, each with a mark whether more follow.
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Bits(value | 0x80, 8);
    Bits(value, 8);
  }
  // A unary prefix names the width that is wide enough: nothing, 3, 6, 9, 12, 18, 25, 56, 64 bits.
  void VarbitInt(int64_t value);
  void VarbitUint(uint64_t value);

 private:
  std::string* out_;
  uint64_t held_ = 0;       // its lowest held_bits_ bits are not written yet
  unsigned held_bits_ = 0;  // less than 8 between calls
};

// Whether the value is within [-(2^(bits-1) - 1), 2^(bits-1)], as these formats count.
inline bool FitsSigned(int64_t value, unsigned bits) {
  const int64_t most = int64_t{1} << (bits - 1);
  return -(most - 1) <= value && value <= most;
}

// Gorilla's float64: each as the bits that changed since the one before.
class XorColumn {
 public:
  // The first value stands in the chunk as it is.
  void First(double value, BitWriter* bits) {
    last_ = std::bit_cast<uint64_t>(value);
    bits->Bits(last_, 64);
  }
  void Next(double value, BitWriter* bits);

 private:
  static constexpr unsigned kNoWindow = 0xff;
  uint64_t last_ = 0;
  unsigned leading_ = kNoWindow;
  unsigned trailing_ = 0;
};

}  // namespace vigil::remote
