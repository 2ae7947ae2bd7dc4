// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the decoders of the C extension; what C++ decodes they must decode alike.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/chunks/chunk.h"
#include "server/chunks/crc32c.h"
#include "server/postgres/extension/decoder.h"

namespace {

// Input: 8 bytes min_time, then the chunk.
void FuzzChunk(const uint8_t* input, size_t size) {
  if (size < 8 + 5) return;
  int64_t min_time = 0;
  std::memcpy(&min_time, input, 8);
  std::string data(reinterpret_cast<const char*>(input) + 8, size - 8);
  const uint32_t crc = vigil::chunks::Crc32c(std::string_view(data).substr(4));
  std::memcpy(data.data(), &crc, sizeof(crc));
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  VigilChunk chunk;
  if (VigilOpenChunk(bytes, data.size(), &chunk) != nullptr || chunk.value_encoding == 5) return;
  if (chunk.n > 100'000) return;  // only slow
  std::vector<int64_t> times(chunk.n);
  std::vector<uint64_t> bits(chunk.n);
  const char* error = VigilDecodeChunk(&chunk, min_time, times.data(), bits.data());
  const vigil::chunks::ChunkView view{min_time, error == nullptr ? times.back() : 0, chunk.n,
                                      chunk.time_encoding | chunk.value_encoding << 8, data};
  vigil::SampleColumns samples;
  if (!vigil::chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &samples)) return;
  CHECK(error == nullptr);
  CHECK(samples.size() == chunk.n);
  CHECK(std::memcmp(samples.timestamps.data(), times.data(), 8 * times.size()) == 0);
  CHECK(std::memcmp(samples.values.data(), bits.data(), 8 * bits.size()) == 0);
}

void FuzzPage(const uint8_t* input, size_t size) {
  static constexpr int64_t kWanted[] = {-5, 0, 1, 2, 3, 7, 100, 1000, INT64_MAX};
  std::vector<VigilPageSample> samples(16);
  size_t count = 0;
  const char* error = VigilDecodePage(input, size, kWanted, std::size(kWanted), samples.data(),
                                      samples.size(), &count);
  if (error != nullptr || count <= samples.size()) return;
  samples.resize(count);
  const size_t wanted_count = count;
  static_cast<void>(VigilDecodePage(input, size, kWanted, std::size(kWanted), samples.data(),
                                    samples.size(), &count));
  CHECK(count == wanted_count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  if (size < 1) return 0;
  if (input[0] % 2 == 0) {
    FuzzChunk(input + 1, size - 1);
  } else {
    FuzzPage(input + 1, size - 1);
  }
  return 0;
}
