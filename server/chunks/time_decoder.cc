// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/chunk_decoder.h"

namespace vigil::chunks {
namespace {

// Appends times with a given delta; refuses what would not rise.
bool Step(TimestampMs* times, size_t i, uint64_t delta) {
  times[i] = WrapAdd(times[i - 1], static_cast<int64_t>(delta));
  return times[i] > times[i - 1];
}

bool ReadRegular(ByteReader* reader, size_t count, TimestampMs* times) {
  uint64_t step = 0;
  if (!reader->Varint(&step) || step == 0) return false;
  // One check for all: the last one must neither pass the end of time nor the first.
  const uint64_t room = static_cast<uint64_t>(INT64_MAX) - static_cast<uint64_t>(times[0]);
  if (step > room / (count - 1)) return false;
  const auto delta = static_cast<int64_t>(step);
  for (size_t i = 1; i < count; ++i) times[i] = WrapAdd(times[i - 1], delta);
  return true;
}

bool ReadDodRuns(ByteReader* reader, size_t count, TimestampMs* times) {
  uint64_t delta = 0;
  if (!reader->Varint(&delta) || !Step(times, 1, delta)) return false;
  size_t next = 2;
  while (next < count) {
    uint64_t zeros = 0;
    if (!reader->Varint(&zeros) || zeros > count - next) return false;
    for (const size_t end = next + zeros; next < end; ++next) {
      if (!Step(times, next, delta)) return false;
    }
    if (next == count) break;
    int64_t dod = 0;
    if (!reader->ZigZagVarint(&dod)) return false;
    delta += static_cast<uint64_t>(dod);
    if (!Step(times, next++, delta)) return false;
  }
  return true;
}

bool ReadDodPacked(ByteReader* reader, size_t count, TimestampMs* times) {
  uint64_t delta = 0;
  int64_t base = 0;
  uint8_t bits = 0;
  const uint8_t* data = nullptr;
  if (!reader->Varint(&delta) || !Step(times, 1, delta)) return false;
  if (!reader->ZigZagVarint(&base) || !reader->Byte(&bits) || bits > kMaxPackedBits) return false;
  const size_t size = PackedSize(count - 2, bits);
  if (!reader->Bytes(size, &data)) return false;
  const PackedReader packed(data, size, bits);
  bool rising = true;
  for (size_t i = 2; i < count; ++i) {
    delta += static_cast<uint64_t>(base) + packed.Get(i - 2);
    rising = Step(times, i, delta) && rising;
  }
  return rising;
}

}  // namespace

bool ReadTimes(TimeEncoding encoding, ByteReader* reader, size_t count, TimestampMs* times) {
  if (count == 1) return encoding == TimeEncoding::kRegular;
  switch (encoding) {
    case TimeEncoding::kRegular:
      return ReadRegular(reader, count, times);
    case TimeEncoding::kDodRuns:
      return ReadDodRuns(reader, count, times);
    case TimeEncoding::kDodPacked:
      return ReadDodPacked(reader, count, times);
  }
  return false;
}

}  // namespace vigil::chunks
