// SPDX-License-Identifier: Apache-2.0
// What streamed remote read sends, read back by the slow decoder.
#include "server/remote/read_chunks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "client-lib/model/histogram_math.h"
#include "tests/support/sample_histograms.h"
#include "tests/support/slow_tsdb_chunks.h"

namespace vigil::remote {
namespace {

using testing::DecodeHistogramChunk;
using testing::DecodeXorChunk;

void ExpectXorRoundTrip(const std::vector<TimestampMs>& times, const std::vector<double>& values) {
  const std::vector<Sample> read = DecodeXorChunk(EncodeXorChunk(times, values));
  ASSERT_EQ(read.size(), times.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].timestamp, times[i]) << i;
    EXPECT_TRUE(SameBits(read[i].value, values[i])) << i;
  }
}

TEST(XorChunk, HasTheBytesThatUpstreamWrites) {
  // Count; -1 zigzagged; 1.0; delta 15; a zero bit for the same value, then 00 for the third.
  const std::string chunk =
      EncodeXorChunk(std::vector<TimestampMs>{-1, 14, 29}, std::vector<double>{1, 1, 1});
  EXPECT_EQ(chunk, std::string("\x00\x03\x01\x3f\xf0\x00\x00\x00\x00\x00\x00\x0f\x00", 13));
}

TEST(XorChunk, KeepsEveryBitOfOddValues) {
  ExpectXorRoundTrip({0}, {0});
  ExpectXorRoundTrip({1000, 2000, 3000, 4000, 5000, 6000, 7000},
                     {-0.0, StaleNaN(), NormalNaN(), std::numeric_limits<double>::infinity(),
                      5e-324, 1, std::bit_cast<double>(~uint64_t{0})});
}

TEST(XorChunk, KeepsTimesOfAllWidths) {
  // Changes of the interval around each border of the format.
  std::vector<TimestampMs> times = {std::numeric_limits<int64_t>::min() / 2, 0, 10};
  int64_t delta = 10;
  for (const int64_t border : {8191, 8192, 8193, 65535, 65536, 65537, 524287, 524288, 524289}) {
    times.push_back(times.back() + (delta += border));
    times.push_back(times.back() + (delta -= border - 1));
  }
  times.push_back(int64_t{1} << 61);
  ExpectXorRoundTrip(times, std::vector<double>(times.size(), 1.5));
}

TEST(XorChunk, KeepsRandomColumns) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<TimestampMs> times;
    std::vector<double> values;
    TimestampMs time = static_cast<TimestampMs>(random() % 2'000'000'000'000);
    for (int i = 0; i < 120; ++i) {
      times.push_back(time += 1 + static_cast<TimestampMs>(random() % (1ULL << random() % 40)));
      values.push_back(round % 2 == 0 ? static_cast<double>(random() % 100)
                                      : std::bit_cast<double>(random()));
    }
    ExpectXorRoundTrip(times, values);
  }
}

// All samples of the chunks in order; the floats, then the histograms.
SampleColumns Decoded(const std::vector<EncodedChunk>& chunks) {
  SampleColumns columns;
  TimestampMs last = std::numeric_limits<TimestampMs>::min();
  for (const EncodedChunk& chunk : chunks) {
    EXPECT_LT(last, chunk.min_time);
    last = chunk.max_time;
    if (chunk.encoding == ChunkEncoding::kXor) {
      for (const Sample& sample : DecodeXorChunk(chunk.data)) {
        columns.Add(sample.timestamp, sample.value);
      }
      continue;
    }
    const auto samples =
        DecodeHistogramChunk(chunk.data, chunk.encoding == ChunkEncoding::kHistogram);
    EXPECT_EQ(chunk.min_time, samples.front().timestamp);
    EXPECT_EQ(chunk.max_time, samples.back().timestamp);
    columns.histograms.insert(columns.histograms.end(), samples.begin(), samples.end());
  }
  return columns;
}

void ExpectSameHistograms(const std::vector<HistogramSample>& read,
                          const std::vector<HistogramSample>& given) {
  ASSERT_EQ(read.size(), given.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].timestamp, given[i].timestamp) << i;
    EXPECT_TRUE(SameHistogram(*read[i].histogram, *given[i].histogram)) << i;
    EXPECT_EQ(read[i].histogram->integer, given[i].histogram->integer) << i;
  }
}

TEST(EncodeChunks, KeepsHistogramsOfBothKinds) {
  for (const bool integer : {true, false}) {
    SampleColumns columns;
    columns.histograms = testing::MakeHistograms(1'000, integer, 7);
    std::vector<EncodedChunk> chunks;
    EncodeChunks(columns, &chunks);
    EXPECT_LT(chunks.size(), 200u);
    ExpectSameHistograms(Decoded(chunks).histograms, columns.histograms);
  }
}

TEST(EncodeChunks, KeepsAnyHistogram) {
  SampleColumns columns;
  columns.histograms = testing::MakeWildHistograms(500, 3);
  for (HistogramSample& sample : columns.histograms) {
    Histogram h = *sample.histogram;
    h.integer = false;  // whose numbers may be anything
    if (h.schema != kCustomBucketsSchema) h.custom_values.clear();
    // A NaN is not the same as itself to SameHistogram().
    if (std::isnan(h.zero_threshold)) h.zero_threshold = 0.3;
    std::erase_if(h.custom_values, [](double bound) { return std::isnan(bound); });
    sample.histogram = std::make_shared<const Histogram>(std::move(h));
  }
  std::vector<EncodedChunk> chunks;
  EncodeChunks(columns, &chunks);
  ExpectSameHistograms(Decoded(chunks).histograms, columns.histograms);
}

TEST(EncodeChunks, ReadersSeeEveryReset) {
  SampleColumns columns;
  columns.histograms = testing::MakeHistograms(2'000, true, 11);
  std::vector<EncodedChunk> chunks;
  EncodeChunks(columns, &chunks);
  const std::vector<HistogramSample> read = Decoded(chunks).histograms;
  size_t resets = 0;
  for (size_t i = 1; i < read.size(); ++i) {
    const bool reset =
        DetectReset(*columns.histograms[i].histogram, *columns.histograms[i - 1].histogram);
    resets += reset ? 1 : 0;
    EXPECT_FALSE(reset && read[i].histogram->reset_hint == CounterResetHint::kNotReset) << i;
  }
  EXPECT_GT(resets, 0u);
}

TEST(EncodeChunks, CutsWhereFloatsAndHistogramsAlternate) {
  SampleColumns columns;
  const std::vector<HistogramSample> made = testing::MakeHistograms(20, true, 5);
  for (int i = 0; i < 300; ++i) columns.Add(i * 10, i);
  for (size_t i = 0; i < made.size(); ++i) {
    columns.histograms.push_back({static_cast<TimestampMs>(i) * 100 + 5, made[i].histogram});
  }
  std::vector<EncodedChunk> chunks;
  EncodeChunks(columns, &chunks);
  const SampleColumns read = Decoded(chunks);
  EXPECT_EQ(read.timestamps, columns.timestamps);
  EXPECT_EQ(read.values, columns.values);
  ExpectSameHistograms(read.histograms, columns.histograms);
  EXPECT_EQ(chunks.front().max_time, 0);
  EXPECT_EQ(chunks.back().max_time, 2990);
}

}  // namespace
}  // namespace vigil::remote
