// SPDX-License-Identifier: Apache-2.0
// The columns of a chunk, read back. False means that the bytes are not a chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/chunks/bytes.h"
#include "server/chunks/chunk.h"

namespace vigil::chunks {

// Fill count items; `times` starts with the first timestamp, already there.
bool ReadTimes(TimeEncoding encoding, ByteReader* reader, size_t count, TimestampMs* times);
bool ReadValues(ValueEncoding encoding, ByteReader* reader, size_t count, double* values);

}  // namespace vigil::chunks
