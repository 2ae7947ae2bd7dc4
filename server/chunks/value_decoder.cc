// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "server/chunks/chunk_decoder.h"

namespace vigil::chunks {
namespace {

// What integer columns start with.
struct IntHeader {
  uint8_t exponent = 0;
  int64_t first = 0;  // of deltas only
  int64_t base = 0;
  uint8_t bits = 0;
  uint64_t exceptions = 0;
};

bool ReadIntHeader(ByteReader* reader, size_t count, bool deltas, IntHeader* header) {
  return reader->Byte(&header->exponent) && header->exponent <= kMaxDecimalExponent &&
         (!deltas || reader->ZigZagVarint(&header->first)) && reader->ZigZagVarint(&header->base) &&
         reader->Byte(&header->bits) && header->bits <= kMaxPackedBits &&
         reader->Varint(&header->exceptions) && header->exceptions <= count;
}

// Walks over exceptions; position() is count when there are no more.
class Exceptions {
 public:
  Exceptions(ByteReader reader, uint64_t left, size_t count)
      : reader_(reader), left_(left), count_(count) {}

  // False when the bytes are broken.
  bool Advance() {
    if (left_ == 0) {
      position_ = count_;
      return true;
    }
    --left_;
    uint64_t gap = 0;
    if (!reader_.Varint(&gap) || gap >= count_ - next_ || !reader_.ReadNumber(&number_)) {
      return false;
    }
    position_ = next_ + gap;
    next_ = position_ + 1;
    return next_ <= count_ && (next_ < count_ || left_ == 0);
  }
  [[nodiscard]] size_t position() const { return position_; }
  [[nodiscard]] const Number& number() const { return number_; }
  [[nodiscard]] const ByteReader& reader() const { return reader_; }

 private:
  ByteReader reader_;
  uint64_t left_;
  size_t count_;
  size_t next_ = 0;
  size_t position_ = 0;
  Number number_;
};

// Steps over the exceptions, so that *reader stands at the packed items.
bool SkipExceptions(uint64_t exceptions, size_t count, ByteReader* reader) {
  Exceptions walk(*reader, exceptions, count);
  for (uint64_t i = 0; i < exceptions; ++i) {
    if (!walk.Advance()) return false;
  }
  *reader = walk.reader();
  return true;
}

bool ReadIntFor(ByteReader* reader, size_t count, double* values) {
  IntHeader header;
  if (!ReadIntHeader(reader, count, false, &header)) return false;
  Exceptions exceptions(*reader, header.exceptions, count);
  const uint8_t* data = nullptr;
  const size_t size = PackedSize(count, header.bits);
  if (!SkipExceptions(header.exceptions, count, reader) || !reader->Bytes(size, &data)) {
    return false;
  }
  const PackedReader packed(data, size, header.bits);
  const double power = kPowersOfTen[header.exponent];
  for (size_t i = 0; i < count; ++i) {
    const int64_t integer = WrapAdd(header.base, static_cast<int64_t>(packed.Get(i)));
    values[i] = static_cast<double>(integer) / power;
  }
  for (uint64_t i = 0; i < header.exceptions; ++i) {
    if (!exceptions.Advance()) return false;
    values[exceptions.position()] = exceptions.number().value;
  }
  return true;
}

bool ReadIntDelta(ByteReader* reader, size_t count, double* values) {
  IntHeader header;
  if (!ReadIntHeader(reader, count, true, &header)) return false;
  Exceptions exceptions(*reader, header.exceptions, count);
  const uint8_t* data = nullptr;
  const size_t size = PackedSize(count - 1, header.bits);
  if (!SkipExceptions(header.exceptions, count, reader) || !reader->Bytes(size, &data)) {
    return false;
  }
  const PackedReader packed(data, size, header.bits);
  const double power = kPowersOfTen[header.exponent];
  int64_t integer = header.first;
  values[0] = static_cast<double>(integer) / power;
  if (!exceptions.Advance() || exceptions.position() == 0) return false;
  for (size_t i = 1; i < count;) {
    const size_t end = exceptions.position();
    for (; i < end; ++i) {
      integer = WrapAdd(integer, WrapAdd(header.base, static_cast<int64_t>(packed.Get(i - 1))));
      values[i] = static_cast<double>(integer) / power;
    }
    if (i == count) break;
    const Number& number = exceptions.number();
    values[i++] = number.value;
    if (number.decimal) integer = number.mantissa;
    if (!exceptions.Advance()) return false;
  }
  return true;
}

bool ReadXor(ByteReader* reader, size_t count, double* values) {
  uint64_t bits = 0;
  if (!reader->Word(8, &bits)) return false;
  values[0] = std::bit_cast<double>(bits);
  for (size_t i = 1; i < count;) {
    uint8_t control = 0;
    if (!reader->Byte(&control)) return false;
    const size_t high = control >> 4;
    const size_t bytes = control & 15;
    if (bytes == 0) {
      if (high + 1 > count - i) return false;
      std::fill_n(values + i, high + 1, std::bit_cast<double>(bits));
      i += high + 1;
      continue;
    }
    uint64_t word = 0;
    if (high + bytes > 8 || !reader->Word(bytes, &word)) return false;
    bits ^= word << (8 * (8 - high - bytes));
    values[i++] = std::bit_cast<double>(bits);
  }
  return true;
}

bool ReadRuns(ByteReader* reader, size_t count, double* values) {
  for (size_t i = 0; i < count;) {
    uint64_t length = 0;
    Number number;
    if (!reader->Varint(&length) || length == 0 || length > count - i) return false;
    if (!reader->ReadNumber(&number)) return false;
    std::fill_n(values + i, length, number.value);
    i += length;
  }
  return true;
}

}  // namespace

bool ReadValues(ValueEncoding encoding, ByteReader* reader, const ValueRange& range,
                double* values) {
  const size_t count = range.count;
  switch (encoding) {
    case ValueEncoding::kConst: {
      Number number;
      if (!reader->ReadNumber(&number)) return false;
      std::fill_n(values, count, number.value);
      return true;
    }
    case ValueEncoding::kIntFor:
      return ReadIntFor(reader, count, values);
    case ValueEncoding::kIntDelta:
      return ReadIntDelta(reader, count, values);
    case ValueEncoding::kXor:
      return ReadXor(reader, count, values);
    case ValueEncoding::kRuns:
      return ReadRuns(reader, count, values);
    case ValueEncoding::kBlocks:
      return ReadBlocks(reader, range, values);
    case ValueEncoding::kSplit:
      return ReadSplit(reader, range, values);
    case ValueEncoding::kHistograms:  // are no floats
      return false;
  }
  return false;
}

}  // namespace vigil::chunks
