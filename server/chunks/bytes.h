// SPDX-License-Identifier: Apache-2.0
// The building bricks of the formats in chunk.h: varints, zigzag, numbers, bit packing.
// Writers write behind a pointer into room the caller has made; kSlack more bytes must be there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "server/chunks/decimal.h"

namespace vigil::chunks {

static_assert(std::endian::native == std::endian::little, "the formats are copied as they lie");

// Whole words are stored where fewer bytes count.
inline constexpr size_t kSlack = 16;
inline constexpr size_t kMaxVarintBytes = 10;
inline constexpr size_t kMaxNumberBytes = 9;
inline constexpr unsigned kMaxPackedBits = 56;

// Sums in the formats wrap; signed overflow would be undefined.
inline int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

inline unsigned BitWidth(uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }
inline size_t VarintSize(uint64_t value) { return (BitWidth(value | 1) + 6) / 7; }
inline constexpr size_t PackedSize(size_t count, unsigned bits) { return (count * bits + 7) / 8; }

inline uint8_t* PutVarint(uint8_t* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<uint8_t>(value);
  return out;
}
inline uint8_t* PutZigZag(uint8_t* out, int64_t value) { return PutVarint(out, ZigZag(value)); }

inline uint8_t* PutWord(uint8_t* out, uint64_t word, size_t bytes) {
  std::memcpy(out, &word, sizeof(word));
  return out + bytes;
}
inline uint64_t LoadWord(const uint8_t* in) {
  uint64_t word = 0;
  std::memcpy(&word, in, sizeof(word));
  return word;
}

// Bytes of the two's complement form; 0 for 0.
inline unsigned SignedBytes(int64_t value) {
  if (value == 0) return 0;
  return (BitWidth(static_cast<uint64_t>(value ^ (value >> 63))) + 8) / 8;
}
// Bytes of a float64 without its low zero bytes.
inline unsigned RawBytes(uint64_t bits) {
  return bits == 0 ? 0 : 8 - static_cast<unsigned>(std::countr_zero(bits)) / 8;
}

inline uint8_t* PutDecimal(uint8_t* out, int64_t mantissa, unsigned exponent) {
  const unsigned width = SignedBytes(mantissa);
  *out++ = static_cast<uint8_t>(exponent << 4 | width);
  return PutWord(out, static_cast<uint64_t>(mantissa), width);
}
inline uint8_t* PutRaw(uint8_t* out, double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const unsigned width = RawBytes(bits);
  *out++ = static_cast<uint8_t>(0x80 | width);
  return PutWord(out, width == 0 ? 0 : bits >> (64 - 8 * width), width);
}
// The shorter of the two.
inline uint8_t* PutNumber(uint8_t* out, double value) {
  Decimal decimal;
  if (ToDecimal(value, &decimal) &&
      SignedBytes(decimal.mantissa) <= RawBytes(std::bit_cast<uint64_t>(value))) {
    return PutDecimal(out, decimal.mantissa, decimal.exponent);
  }
  return PutRaw(out, value);
}
inline size_t DecimalSize(int64_t mantissa) { return 1 + SignedBytes(mantissa); }
inline size_t RawSize(double value) { return 1 + RawBytes(std::bit_cast<uint64_t>(value)); }
size_t NumberSize(double value);

// A number read back, with its integer when it was written as a decimal.
struct Number {
  double value = 0;
  int64_t mantissa = 0;
  bool decimal = false;
};

// Reads forward and never past the end.
// Threads: owner thread only.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : next_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(next_ + bytes.size()) {}

  [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - next_); }
  [[nodiscard]] bool AtEnd() const { return next_ == end_; }

  bool Byte(uint8_t* out) {
    if (next_ == end_) return false;
    *out = *next_++;
    return true;
  }
  bool Varint(uint64_t* out) {
    if (next_ != end_ && *next_ < 0x80) {
      *out = *next_++;
      return true;
    }
    return LongVarint(out);
  }
  bool ZigZagVarint(int64_t* out) {
    uint64_t value = 0;
    if (!Varint(&value)) return false;
    *out = UnZigZag(value);
    return true;
  }
  // An unsigned integer of 0..8 bytes.
  bool Word(size_t bytes, uint64_t* out) {
    const size_t have = left();
    if (have >= 8) {  // one load for all but the last bytes of the input
      const uint64_t word = LoadWord(next_);
      *out = bytes == 8 ? word : word & ((uint64_t{1} << (8 * bytes)) - 1);
    } else {
      if (have < bytes) return false;
      uint64_t word = 0;
      for (size_t i = 0; i < bytes; ++i) word |= uint64_t{next_[i]} << (8 * i);
      *out = word;
    }
    next_ += bytes;
    return true;
  }
  // The payload of a number whose control byte was read.
  bool NumberAfter(uint8_t control, Number* out);
  bool ReadNumber(Number* out) {
    uint8_t control = 0;
    return Byte(&control) && NumberAfter(control, out);
  }
  bool Bytes(size_t count, const uint8_t** out) {
    if (left() < count) return false;
    *out = next_;
    next_ += count;
    return true;
  }

 private:
  bool LongVarint(uint64_t* out);

  const uint8_t* next_;
  const uint8_t* end_;
};

// Writes count items of `bits` bits; item(i) gives the i-th. The bytes must be zero before, with
// kSlack behind them. Returns the end.
template <typename F>
uint8_t* PutPacked(uint8_t* out, size_t count, unsigned bits, F&& item) {
  size_t position = 0;
  for (size_t i = 0; i < count; ++i, position += bits) {
    uint8_t* at = out + position / 8;
    const uint64_t word = LoadWord(at) | item(i) << (position % 8);
    std::memcpy(at, &word, sizeof(word));
  }
  return out + PackedSize(count, bits);
}

// Random access to packed items.
class PackedReader {
 public:
  // REQUIRES: bits <= kMaxPackedBits; the bytes hold all items that are read.
  PackedReader(const uint8_t* data, size_t size, unsigned bits)
      : data_(data), size_(size), bits_(bits), mask_((uint64_t{1} << bits) - 1) {}

  [[nodiscard]] uint64_t Get(size_t i) const {
    const size_t position = i * bits_;
    const size_t byte = position / 8;
    const uint64_t word = byte + 8 <= size_ ? LoadWord(data_ + byte) : Tail(byte);
    return (word >> (position % 8)) & mask_;
  }

 private:
  [[nodiscard]] uint64_t Tail(size_t byte) const {
    uint64_t word = 0;
    if (byte < size_) std::memcpy(&word, data_ + byte, size_ - byte);
    return word;
  }

  const uint8_t* data_;
  size_t size_;
  unsigned bits_;
  uint64_t mask_;
};

}  // namespace vigil::chunks
