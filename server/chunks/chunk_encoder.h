// SPDX-License-Identifier: Apache-2.0
// Makes chunks one after the other with the same buffers: what a flush uses.
#pragma once

#include <span>

#include "server/chunks/chunk.h"
#include "server/chunks/time_encoder.h"
#include "server/chunks/value_encoder.h"

namespace vigil::chunks {

// Threads: owner thread only.
class ChunkEncoder {
 public:
  // As EncodeChunk().
  void Encode(std::span<const TimestampMs> times, std::span<const double> values, Chunk* chunk);

 private:
  TimeEncoder times_;
  ValueEncoder values_;
};

}  // namespace vigil::chunks
