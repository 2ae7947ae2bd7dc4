// SPDX-License-Identifier: Apache-2.0
// The columns of a chunk, read back. False means that the bytes are not a chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/chunks/bytes.h"
#include "server/chunks/chunk.h"

namespace vigil::chunks {

// Fills count items; `times` starts with the first timestamp, already there.
bool ReadTimes(TimeEncoding encoding, ByteReader* reader, size_t count, TimestampMs* times);

// Which values of a column of `count` are wanted: [from, to).
struct ValueRange {
  size_t count = 0;
  size_t from = 0;
  size_t to = 0;
};

// Fill at least the values wanted, at their own positions. The reader is then behind the column.
bool ReadValues(ValueEncoding encoding, ByteReader* reader, const ValueRange& range,
                double* values);
bool ReadBlocks(ByteReader* reader, const ValueRange& range, double* values);
bool ReadSplit(ByteReader* reader, const ValueRange& range, double* values);

}  // namespace vigil::chunks
