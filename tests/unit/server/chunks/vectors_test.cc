// SPDX-License-Identifier: Apache-2.0
// The C++ decoders against the vectors that the decoders in SQL and C are held to as well.
#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "server/chunks/chunk.h"
#include "server/chunks/journal_page.h"
#include "tests/support/chunk_vectors.h"

namespace vigil::chunks {
namespace {

using vigil::testing::ChunkVector;
using vigil::testing::VectorSample;

constexpr const char* kPath = VIGIL_SOURCE_DIR "/tests/fixtures/chunks/vectors.txt";

void ExpectSamples(const std::vector<VectorSample>& expected, const std::vector<TimestampMs>& times,
                   const std::vector<double>& values) {
  ASSERT_EQ(times.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(times[i], expected[i].time) << i;
    EXPECT_EQ(std::bit_cast<uint64_t>(values[i]), expected[i].bits) << i;
  }
}

TEST(Vectors, DecodeToTheSameBits) {
  const std::vector<ChunkVector> vectors = vigil::testing::LoadChunkVectors(kPath);
  std::set<int> time_encodings;
  std::set<int> value_encodings;
  size_t pages = 0;
  for (const ChunkVector& vector : vectors) {
    if (vector.is_page) {
      ++pages;
      JournalSamples samples;
      const Result<void> decoded = DecodeJournalPage(vector.bytes, &samples);
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      ExpectSamples(vector.samples, samples.timestamps, samples.values);
      for (size_t i = 0; i < samples.size(); ++i) {
        EXPECT_EQ(samples.series[i], vector.samples[i].series);
      }
      continue;
    }
    const auto encodings = static_cast<uint8_t>(vector.bytes[4]);
    time_encodings.insert(encodings & 15);
    value_encodings.insert(encodings >> 4);
    const uint32_t packed =
        static_cast<uint32_t>(encodings & 15) | static_cast<uint32_t>(encodings >> 4) << 8;
    SampleColumns samples;
    const Result<void> decoded =
        DecodeChunk({vector.min_time, vector.samples.back().time,
                     static_cast<uint32_t>(vector.samples.size()), packed, vector.bytes},
                    INT64_MIN, INT64_MAX, &samples);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    ExpectSamples(vector.samples, samples.timestamps, samples.values);
  }
  EXPECT_GE(pages, 2U);
  EXPECT_EQ(time_encodings, (std::set<int>{0, 1, 2}));
  for (int encoding = 0; encoding <= 4; ++encoding) {
    EXPECT_TRUE(value_encodings.contains(encoding)) << encoding;
  }
}

}  // namespace
}  // namespace vigil::chunks
