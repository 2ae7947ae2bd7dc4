// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/bytes.h"

namespace vigil::chunks {

size_t NumberSize(double value) {
  uint8_t room[kMaxNumberBytes + kSlack];
  return static_cast<size_t>(PutNumber(room, value) - room);
}

bool ByteReader::LongVarint(uint64_t* out) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (next_ == end_) return false;
    const uint8_t byte = *next_++;
    if (shift == 63 && byte > 1) return false;  // more than 64 bits
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) {
      *out = value;
      return true;
    }
  }
  return false;
}

bool ByteReader::NumberAfter(uint8_t control, Number* out) {
  const unsigned kind = control >> 4;
  const unsigned width = control & 15;
  uint64_t word = 0;
  if (kind <= kMaxDecimalExponent) {
    if (width > 7 || !Word(width, &word)) return false;
    // Moves the sign to the top and back down.
    const unsigned shift = 64 - 8 * width;
    out->mantissa = width == 0 ? 0 : static_cast<int64_t>(word << shift) >> shift;
    out->value = static_cast<double>(out->mantissa) / kPowersOfTen[kind];
    out->decimal = true;
    return true;
  }
  if (kind != 8 || width > 8 || !Word(width, &word)) return false;
  out->mantissa = 0;
  out->value = std::bit_cast<double>(width == 0 ? 0 : word << (64 - 8 * width));
  out->decimal = false;
  return true;
}

}  // namespace vigil::chunks
