// SPDX-License-Identifier: Apache-2.0
// Makes chunks one after the other with the same buffers: what a flush uses.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "server/chunks/chunk.h"
#include "server/chunks/time_encoder.h"
#include "server/chunks/value_encoder.h"

namespace vigil::chunks {

// Threads: owner thread only.
class ChunkEncoder {
 public:
  explicit ChunkEncoder(Packing packing = Packing::kFast) : values_(packing) {}

  // As EncodeChunk(), which packs fast.
  void Encode(std::span<const TimestampMs> times, std::span<const double> values, Chunk* chunk);
  // As EncodeHistogramChunk().
  void EncodeHistograms(std::span<const HistogramSample> samples, Chunk* chunk);

 private:
  TimeEncoder times_;
  ValueEncoder values_;
  std::vector<TimestampMs> sample_times_;  // of histograms
  std::string records_;
};

}  // namespace vigil::chunks
