// SPDX-License-Identifier: Apache-2.0
// The samples of a series as chunks of Prometheus's TSDB: what streamed remote read sends.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client-lib/model/sample.h"

namespace vigil::remote {

// As the message Chunk numbers them.
enum class ChunkEncoding : uint8_t { kXor = 1, kHistogram = 2, kFloatHistogram = 3 };

struct EncodedChunk {
  TimestampMs min_time = 0;
  TimestampMs max_time = 0;
  ChunkEncoding encoding = ChunkEncoding::kXor;
  std::string data;
};

// Columns of equal length, timestamps rising, at least one sample and at most 65535.
std::string EncodeXorChunk(std::span<const TimestampMs> times, std::span<const double> values);

// At least one and at most 65535 histograms that FitOneChunk().
std::string EncodeHistogramChunk(std::span<const HistogramSample> samples);

// Whether the second, which follows the first, may be in the same chunk: the same kind and layout,
// and no counter reset between them (readers take the hint of the chunk for all of its samples).
bool FitOneChunk(const Histogram& first, const Histogram& second);

// Appends the chunks of a series, sorted by time, of at most 120 samples each, as upstream cuts
// them.
void EncodeChunks(const SampleColumns& samples, std::vector<EncodedChunk>* out);

}  // namespace vigil::remote
