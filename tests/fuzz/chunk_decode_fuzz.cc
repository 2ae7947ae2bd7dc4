// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the chunk decoder under a good checksum, and what decodes back to the encoder.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "client-lib/base/result.h"
#include "server/chunks/chunk.h"
#include "server/chunks/crc32c.h"

namespace {

using vigil::chunks::ChunkView;

// The encoder must give back what the decoder made of the bytes.
void RoundTrip(const vigil::SampleColumns& samples) {
  vigil::chunks::Chunk chunk;
  vigil::chunks::EncodeChunk(samples.timestamps, samples.values, &chunk);
  vigil::SampleColumns again;
  const ChunkView view{chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
  CHECK(vigil::chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &again).has_value());
  CHECK(again.timestamps == samples.timestamps);
  CHECK(std::memcmp(again.values.data(), samples.values.data(), 8 * samples.size()) == 0);
}

}  // namespace

// Input: 8 bytes min_time, 8 bytes max_time, 2 bytes count, then the chunk.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  if (size < 18 + 5) return 0;
  ChunkView view;
  uint16_t count = 0;
  std::memcpy(&view.min_time, input, 8);
  std::memcpy(&view.max_time, input + 8, 8);
  std::memcpy(&count, input + 16, 2);
  std::string data(reinterpret_cast<const char*>(input) + 18, size - 18);
  const uint32_t crc = vigil::chunks::Crc32c(std::string_view(data).substr(4));
  std::memcpy(data.data(), &crc, 4);
  view.count = count;
  const uint32_t encoding = static_cast<unsigned char>(data[4]);
  view.encoding = (encoding & 15U) | (encoding >> 4U) << 8U;
  view.data = data;
  vigil::SampleColumns samples;
  if (vigil::chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &samples)) RoundTrip(samples);
  (void)vigil::chunks::ReadChunkSummary(view);
  samples.Clear();
  (void)vigil::chunks::DecodeChunk(view, view.min_time + 1, view.max_time / 2, &samples);
  return 0;
}
