// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "server/chunks/crc32c.h"
#include "tests/support/sample_series.h"
#include "tests/support/slow_decoder.h"

namespace vigil::chunks {
namespace {

using vigil::testing::kShapes;
using vigil::testing::MakeTimes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

ChunkView ViewOf(const Chunk& chunk) {
  return {chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
}

std::vector<uint64_t> Bits(std::span<const double> values) {
  std::vector<uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

Chunk Encode(std::span<const TimestampMs> times, std::span<const double> values) {
  Chunk chunk;
  EncodeChunk(times, values, &chunk);
  return chunk;
}

// Encodes, decodes with both decoders, and expects the very same bits.
Chunk ExpectRoundTrip(const std::vector<TimestampMs>& times, const std::vector<double>& values) {
  Chunk chunk = Encode(times, values);
  SampleColumns fast;
  const Result<void> decoded = DecodeChunk(ViewOf(chunk), INT64_MIN, INT64_MAX, &fast);
  EXPECT_TRUE(decoded.has_value()) << (decoded ? "" : decoded.error().message);
  EXPECT_EQ(fast.timestamps, times);
  EXPECT_EQ(Bits(fast.values), Bits(values));
  const SampleColumns slow = testing::SlowDecodeChunk(chunk.data, chunk.min_time);
  EXPECT_EQ(slow.timestamps, times);
  EXPECT_EQ(Bits(slow.values), Bits(values));
  return chunk;
}

std::vector<TimestampMs> Regular(size_t count) {
  return MakeTimes(count, 1'700'000'000'000, 15000, 0, 1);
}

uint32_t ValueEncodingOf(const Chunk& chunk) { return chunk.encoding >> 8; }
uint32_t TimeEncodingOf(const Chunk& chunk) { return chunk.encoding & 0xff; }

TEST(Chunk, GivesBackEveryShapeBitForBit) {
  for (const Shape shape : kShapes) {
    for (const size_t count : {1U, 2U, 3U, 7U, 120U, 1441U}) {
      for (const int64_t jitter : {0, 7}) {
        SCOPED_TRACE(std::string(ShapeName(shape)) + " " + std::to_string(count));
        ExpectRoundTrip(MakeTimes(count, 1'700'000'000'000, 15000, jitter, count),
                        MakeValues(shape, count, count));
      }
    }
  }
}

TEST(Chunk, GivesBackRandomColumnsBitForBit) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    const size_t count = 1 + random() % 200;
    const unsigned time_bits = static_cast<unsigned>(random() % 50);
    const unsigned value_kind = static_cast<unsigned>(random() % 6);
    std::vector<TimestampMs> times{static_cast<int64_t>(random() % 1'000'000'000'000)};
    std::vector<double> values;
    while (times.size() < count) {
      times.push_back(times.back() + 1 + static_cast<int64_t>(random() >> (63 - time_bits)));
    }
    const double powers[] = {1, 10, 100, 1000, 1e6, 1e7};
    for (size_t i = 0; i < count; ++i) {
      const auto integer = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64));
      values.push_back(random() % 16 == 0 ? std::bit_cast<double>(random())
                                          : integer / powers[value_kind]);
    }
    ExpectRoundTrip(times, values);
  }
}

TEST(Chunk, KeepsTheOddValues) {
  const double odd[] = {-0.0,
                        0.0,
                        NormalNaN(),
                        StaleNaN(),
                        std::bit_cast<double>(0xfff8000000000000ULL),
                        std::bit_cast<double>(0x7ff0000000000001ULL),
                        std::numeric_limits<double>::infinity(),
                        -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::denorm_min(),
                        std::numeric_limits<double>::max(),
                        9007199254740992.0,
                        9007199254740993.0,
                        -9007199254740991.0,
                        0.1,
                        1e-6,
                        123456789.123456};
  for (const double a : odd) {
    ExpectRoundTrip(Regular(1), {a});
    for (const double b : odd) {
      ExpectRoundTrip(Regular(4), {a, b, a, b});
      ExpectRoundTrip(Regular(4), {a, a, a, b});
      std::vector<double> values = MakeValues(Shape::kCounter, 100, 3);
      values[0] = a;
      values[57] = b;
      ExpectRoundTrip(Regular(100), values);
    }
  }
}

TEST(Chunk, KeepsExtremeTimes) {
  ExpectRoundTrip({INT64_MIN, INT64_MAX}, {1, 2});
  ExpectRoundTrip({INT64_MIN, 0, INT64_MAX}, {1, 2, 3});
  ExpectRoundTrip({INT64_MAX - 2, INT64_MAX - 1, INT64_MAX}, {1, 2, 3});
  ExpectRoundTrip({INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX}, {1, 2, 3, 4});
}

TEST(Chunk, ChoosesTheEncodingThatFits) {
  const auto value_encoding = [](Shape shape, size_t count) {
    return ValueEncodingOf(Encode(Regular(count), MakeValues(shape, count, 5)));
  };
  EXPECT_EQ(value_encoding(Shape::kConstant, 240), 0U);
  EXPECT_EQ(value_encoding(Shape::kDecimalGauge, 30), 1U);
  EXPECT_EQ(value_encoding(Shape::kCounter, 30), 2U);
  EXPECT_EQ(value_encoding(Shape::kNoise, 6), 3U);
  EXPECT_EQ(value_encoding(Shape::kCounter, 240), 6U);
  EXPECT_EQ(value_encoding(Shape::kSecondsCounter, 1440), 6U);
  EXPECT_EQ(value_encoding(Shape::kNoise, 240), 7U);
  std::vector<double> steps(240, 0.1);
  std::fill(steps.begin() + 100, steps.end(), 0.3);
  EXPECT_EQ(ValueEncodingOf(Encode(Regular(240), steps)), 4U);
  EXPECT_EQ(TimeEncodingOf(Encode(Regular(240), MakeValues(Shape::kNoise, 240, 5))), 0U);
  EXPECT_EQ(
      TimeEncodingOf(Encode(MakeTimes(240, 0, 15000, 5, 1), MakeValues(Shape::kNoise, 240, 5))),
      2U);
  std::vector<TimestampMs> gap = Regular(240);
  for (size_t i = 100; i < gap.size(); ++i) gap[i] += 60000;
  EXPECT_EQ(TimeEncodingOf(Encode(gap, MakeValues(Shape::kNoise, 240, 5))), 1U);
}

TEST(Chunk, ConstantRegularSeriesTakesAFewBytes) {
  EXPECT_LE(Encode(Regular(1440), std::vector<double>(1440, 1)).data.size(), 16U);
}

TEST(Chunk, CountersTakeAboutTheirIncrements) {
  // Increments below 2000 are 11 bits.
  const Chunk chunk = Encode(Regular(1440), MakeValues(Shape::kCounter, 1440, 9));
  EXPECT_LE(chunk.data.size(), 1440 * 11 / 8 + 100U);
}

TEST(Chunk, DecodesOnlyTheSpanAskedFor) {
  const std::vector<TimestampMs> times = MakeTimes(100, 1000, 10, 0, 1);
  const std::vector<double> values = MakeValues(Shape::kCounter, 100, 1);
  const Chunk chunk = Encode(times, values);
  SampleColumns out;
  out.Add(1, 2);
  ASSERT_TRUE(DecodeChunk(ViewOf(chunk), 1015, 1040, &out).has_value());
  EXPECT_EQ(out.timestamps, (std::vector<TimestampMs>{1, 1020, 1030, 1040}));
  EXPECT_EQ(out.values, (std::vector<double>{2, values[2], values[3], values[4]}));
  ASSERT_TRUE(DecodeChunk(ViewOf(chunk), 5000, 6000, &out).has_value());
  ASSERT_TRUE(DecodeChunk(ViewOf(chunk), 1041, 1049, &out).has_value());
  ASSERT_TRUE(DecodeChunk(ViewOf(chunk), 1060, 1050, &out).has_value());
  EXPECT_EQ(out.size(), 4U);
}

TEST(Chunk, SummarizesWithoutStalenessMarkers) {
  const double nan = NormalNaN();
  const Chunk chunk = Encode(Regular(6), std::vector<double>{nan, 5, 2, StaleNaN(), 7, 1});
  const Result<ChunkSummary> summary = ReadChunkSummary(ViewOf(chunk));
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->count, 6U);
  EXPECT_EQ(summary->stale, 1U);
  EXPECT_EQ(summary->resets, 2U);
  EXPECT_TRUE(SameBits(summary->first, nan));
  EXPECT_EQ(summary->last, 1);
  EXPECT_EQ(summary->min, 1);
  EXPECT_EQ(summary->max, 7);
  EXPECT_TRUE(std::isnan(summary->sum));
}

TEST(Chunk, SummarizesConstantsWithoutStoringIt) {
  const Chunk chunk = Encode(Regular(10), std::vector<double>(10, 2.5));
  const Result<ChunkSummary> summary = ReadChunkSummary(ViewOf(chunk));
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->sum, 25);
  EXPECT_EQ(summary->min, 2.5);
  EXPECT_EQ(summary->resets, 0U);
  const Chunk gone = Encode(Regular(2), std::vector<double>(2, StaleNaN()));
  EXPECT_EQ(ReadChunkSummary(ViewOf(gone))->stale, 2U);
}

TEST(Chunk, RefusesEveryChangedByte) {
  const Chunk chunk = Encode(Regular(50), MakeValues(Shape::kMixed, 50, 2));
  SampleColumns out;
  for (size_t i = 0; i < chunk.data.size(); ++i) {
    Chunk changed = chunk;
    changed.data[i] = static_cast<char>(changed.data[i] ^ 0x10);
    const Result<void> result = DecodeChunk(ViewOf(changed), INT64_MIN, INT64_MAX, &out);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, ErrorKind::kBadData);
    EXPECT_TRUE(out.empty());
  }
}

TEST(Chunk, SurvivesChangedBytesUnderAGoodChecksum) {
  std::mt19937_64 random(3);
  for (const Shape shape : kShapes) {
    const Chunk chunk = Encode(MakeTimes(60, 1000, 15, 3, 1), MakeValues(shape, 60, 2));
    for (int round = 0; round < 2000; ++round) {
      Chunk changed = chunk;
      changed.data[5 + random() % (changed.data.size() - 5)] = static_cast<char>(random());
      if (random() % 4 == 0) changed.data.resize(5 + random() % (changed.data.size() - 5));
      const uint32_t crc = Crc32c(std::string_view(changed.data).substr(4));
      std::memcpy(changed.data.data(), &crc, 4);
      SampleColumns out;
      const bool good = DecodeChunk(ViewOf(changed), INT64_MIN, INT64_MAX, &out).has_value();
      EXPECT_NE(good, out.empty());
    }
  }
}

TEST(Chunk, RefusesARowThatSaysOtherwise) {
  const Chunk chunk = Encode(Regular(50), MakeValues(Shape::kCounter, 50, 2));
  SampleColumns out;
  for (int field = 0; field < 4; ++field) {
    ChunkView view = ViewOf(chunk);
    if (field == 0) ++view.count;
    if (field == 1) ++view.encoding;
    if (field == 2) ++view.max_time;
    if (field == 3) view.data = {};
    EXPECT_FALSE(DecodeChunk(view, INT64_MIN, INT64_MAX, &out).has_value());
  }
  EXPECT_TRUE(out.empty());
}

TEST(Crc32c, GivesTheKnownSumBothWays) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32cPortable("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
  const std::string text(1001, 'x');
  for (size_t n = 0; n < 40; ++n) EXPECT_EQ(Crc32c(text.substr(n)), Crc32cPortable(text.substr(n)));
}

}  // namespace
}  // namespace vigil::chunks
