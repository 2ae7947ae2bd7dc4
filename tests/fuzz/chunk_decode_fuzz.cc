// SPDX-License-Identifier: Apache-2.0
// Feeds bytes to the chunk decoder under a good checksum, compares it with the slow decoder, and
// feeds what decodes back to the encoder.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "client-lib/base/result.h"
#include "server/chunks/chunk.h"
#include "server/chunks/chunk_encoder.h"
#include "server/chunks/crc32c.h"
#include "server/chunks/histogram_stream.h"
#include "tests/support/slow_decoder.h"

namespace {

using vigil::chunks::ChunkView;

void RoundTripHistograms(const vigil::SampleColumns& samples) {
  vigil::chunks::Chunk chunk;
  vigil::chunks::EncodeHistogramChunk(samples.histograms, &chunk);
  vigil::SampleColumns again;
  const ChunkView view{chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
  CHECK(vigil::chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &again).has_value());
  CHECK(again.histograms.size() == samples.histograms.size());
  vigil::chunks::HistogramStream stream;
  for (size_t i = 0; i < samples.histograms.size(); ++i) {
    const vigil::HistogramSample& sample = samples.histograms[i];
    CHECK(vigil::IsKnownSchema(sample.histogram->schema));
    CHECK(again.histograms[i].timestamp == sample.timestamp);
    CHECK(vigil::chunks::SameHistogram(*again.histograms[i].histogram, *sample.histogram));
    stream.Append(sample.timestamp, sample.histogram);
  }
  std::vector<vigil::HistogramSample> streamed;
  CHECK(vigil::chunks::DecodeHistogramStream(stream.data(), stream.first_time(), INT64_MIN,
                                             INT64_MAX, &streamed));
  CHECK(streamed.size() == samples.histograms.size());
}

bool SameSamples(const vigil::SampleColumns& a, const vigil::SampleColumns& b) {
  return a.timestamps == b.timestamps &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    vigil::SameBits);
}

// The slow decoder reads the same out of the bytes.
void CompareWithSlow(const ChunkView& view, const vigil::SampleColumns& samples) {
  if (samples.histograms.empty()) {
    CHECK(SameSamples(vigil::chunks::testing::SlowDecodeChunk(view.data, view.min_time), samples));
    return;
  }
  const auto slow = vigil::chunks::testing::SlowDecodeHistogramChunk(view.data, view.min_time);
  CHECK(slow.size() == samples.histograms.size());
  for (size_t i = 0; i < slow.size(); ++i) {
    CHECK(slow[i].timestamp == samples.histograms[i].timestamp);
    CHECK(vigil::chunks::SameHistogram(*slow[i].histogram, *samples.histograms[i].histogram));
  }
}

// A part of the time gives that part of the samples.
void ComparePart(const ChunkView& view, const vigil::SampleColumns& samples) {
  if (samples.size() < 3) return;
  const size_t from = samples.size() / 3;
  const size_t to = samples.size() / 2;
  vigil::SampleColumns part;
  CHECK(vigil::chunks::DecodeChunk(view, samples.timestamps[from], samples.timestamps[to], &part)
            .has_value());
  CHECK(part.size() == to - from + 1);
  for (size_t i = 0; i < part.size(); ++i) {
    CHECK(part.timestamps[i] == samples.timestamps[from + i]);
    CHECK(vigil::SameBits(part.values[i], samples.values[from + i]));
  }
}

// The encoder must give back what the decoder made of the bytes.
void RoundTrip(const vigil::SampleColumns& samples, vigil::chunks::Packing packing) {
  vigil::chunks::Chunk chunk;
  vigil::chunks::ChunkEncoder(packing).Encode(samples.timestamps, samples.values, &chunk);
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
  if (vigil::chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &samples)) {
    CompareWithSlow(view, samples);
    ComparePart(view, samples);
    if (samples.histograms.empty()) {
      RoundTrip(samples, vigil::chunks::Packing::kFast);
      RoundTrip(samples, vigil::chunks::Packing::kDense);
    } else {
      RoundTripHistograms(samples);
    }
  }
  (void)vigil::chunks::ReadChunkSummary(view);
  samples.Clear();
  (void)vigil::chunks::DecodeChunk(view, std::max(view.min_time, INT64_MIN + 1), view.max_time / 2,
                                   &samples);
  return 0;
}
