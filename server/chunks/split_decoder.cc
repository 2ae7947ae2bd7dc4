// SPDX-License-Identifier: Apache-2.0
// Reads value encoding 7.
#include <algorithm>
#include <bit>

#include "server/chunks/chunk_decoder.h"
#include "server/chunks/packing.h"
#include "server/chunks/split_encoder.h"

namespace vigil::chunks {
namespace {

struct Header {
  unsigned low_bits = 0;
  unsigned index_bits = 0;
  uint64_t highs[kMaxSplitHighs] = {};  // already at their place in the value
  uint64_t exceptions = 0;
};

bool ReadHeader(ByteReader* reader, Header* header) {
  uint8_t low_bits = 0;
  uint64_t count = 0;
  if (!reader->Byte(&low_bits) || low_bits == 0 || low_bits > kMaxSplitLowBits ||
      !reader->Varint(&count) || count == 0 || count > kMaxSplitHighs) {
    return false;
  }
  header->low_bits = low_bits;
  header->index_bits = BitWidth(count - 1);
  for (uint64_t i = 0; i < count; ++i) {
    if (!reader->Varint(&header->highs[i])) return false;
    header->highs[i] <<= low_bits;
  }
  return reader->Varint(&header->exceptions);
}

// Puts the high parts of the exceptions into values, or only reads over them when values is null.
bool ReadExceptions(ByteReader* reader, const Header& header, size_t count, double* values) {
  size_t next = 0;
  const uint64_t mask = (uint64_t{1} << header.low_bits) - 1;
  for (uint64_t left = header.exceptions; left > 0; --left) {
    uint64_t gap = 0;
    uint64_t high = 0;
    if (!reader->Varint(&gap) || next >= count || gap >= count - next) return false;
    if (!reader->Varint(&high)) return false;
    next += gap + 1;
    if (values == nullptr) continue;
    const uint64_t low = std::bit_cast<uint64_t>(values[next - 1]) & mask;
    values[next - 1] = std::bit_cast<double>(high << header.low_bits | low);
  }
  return true;
}

}  // namespace

bool ReadSplit(ByteReader* reader, const ValueRange& range, double* values) {
  Header header;
  if (!ReadHeader(reader, &header)) return false;
  ByteReader exceptions = *reader;
  if (!ReadExceptions(reader, header, range.count, nullptr)) return false;
  PackedItems indexes{nullptr, PackedSize(range.count, header.index_bits), header.index_bits};
  PackedItems lows{nullptr, PackedSize(range.count, header.low_bits), header.low_bits};
  if (!reader->Bytes(indexes.size, &indexes.data) || !reader->Bytes(lows.size, &lows.data)) {
    return false;
  }
  uint64_t high[kUnpackRun];
  uint64_t low[kUnpackRun];
  for (size_t first = range.from - range.from % kUnpackRun; first < range.to; first += kUnpackRun) {
    const size_t count = std::min(kUnpackRun, range.to - first);
    Unpack(indexes, first, count, high);
    Unpack(lows, first, count, low);
    for (size_t i = 0; i < count; ++i) {
      values[first + i] = std::bit_cast<double>(header.highs[high[i]] | low[i]);
    }
  }
  return ReadExceptions(&exceptions, header, range.count, values);
}

}  // namespace vigil::chunks
