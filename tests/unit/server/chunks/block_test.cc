// SPDX-License-Identifier: Apache-2.0
// Value encodings 6 and 7: blocks of integers over a divisor, and split values.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "server/chunks/chunk.h"
#include "server/chunks/chunk_encoder.h"
#include "server/chunks/digits.h"
#include "server/chunks/integer_column.h"
#include "server/chunks/packing.h"
#include "tests/support/sample_series.h"
#include "tests/support/slow_decoder.h"

namespace vigil::chunks {
namespace {

using vigil::testing::kShapes;
using vigil::testing::MakeTimes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

ChunkView View(const Chunk& chunk) {
  return {chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
}

bool SameColumn(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameBits);
}

// Encodes, decodes with both decoders, expects the very same bits. Returns bytes per sample.
double RoundTripPacked(const std::vector<double>& values, Packing packing) {
  const std::vector<TimestampMs> times = MakeTimes(values.size(), 0, 15000, 0, 1);
  Chunk chunk;
  ChunkEncoder(packing).Encode(times, values, &chunk);
  SampleColumns fast;
  EXPECT_TRUE(DecodeChunk(View(chunk), INT64_MIN, INT64_MAX, &fast).has_value());
  EXPECT_TRUE(SameColumn(fast.values, values));
  EXPECT_TRUE(SameColumn(testing::SlowDecodeChunk(chunk.data, chunk.min_time).values, values));
  return static_cast<double>(chunk.data.size()) / static_cast<double>(values.size());
}

double RoundTrip(const std::vector<double>& values) {
  const double bytes = RoundTripPacked(values, Packing::kFast);
  const double dense = RoundTripPacked(values, Packing::kDense);
  EXPECT_LE(dense, bytes * 1.02 + 4.0 / static_cast<double>(values.size()));
  return bytes;
}

// A counter that rises evenly; at one place it begins anew, or one value is far off.
std::vector<double> CounterWith(size_t count, size_t reset, size_t outlier) {
  std::vector<double> values;
  double value = 1e9;
  for (size_t i = 0; i < count; ++i) {
    value = i == reset ? 0 : value + 15;
    values.push_back(i == outlier ? 4e15 : value);
  }
  return values;
}

// Wherever it is: also where an encoder looks for what is usual.
TEST(Blocks, OneResetOrOutlierCostsLittle) {
  for (const size_t count : {20U, 120U, 1440U, 28800U}) {
    for (size_t part = 1; part < 16; ++part) {
      for (const size_t at : {count * part / 16 - 1, count * part / 16, count * part / 16 + 1}) {
        const auto bytes = static_cast<double>(count);
        EXPECT_LT(RoundTrip(CounterWith(count, at, SIZE_MAX)) * bytes, 100) << count << ' ' << at;
        EXPECT_LT(RoundTrip(CounterWith(count, SIZE_MAX, at)) * bytes, 120) << count << ' ' << at;
      }
    }
  }
}

TEST(Blocks, RatesCostAboutTheirIntegers) {
  std::mt19937_64 random(1);
  std::vector<double> rates;
  const double factor = 300.0 / 285;  // what rate() extrapolates by
  for (int i = 0; i < 1440; ++i) {
    rates.push_back(static_cast<double>(20000 + random() % 1000) * factor / 300);
  }
  EXPECT_LT(RoundTrip(rates), 2.5);
}

TEST(Blocks, AveragesAndLongDecimalsCostAboutTheirIntegers) {
  std::mt19937_64 random(1);
  std::vector<double> averages;
  std::vector<double> seconds;
  int64_t nanoseconds = 0;
  for (int i = 0; i < 1440; ++i) {
    averages.push_back(static_cast<double>(random() % 5000) / 100 / 3);
    nanoseconds += static_cast<int64_t>(random() % 1'000'000);
    seconds.push_back(static_cast<double>(nanoseconds) / 1e9);
  }
  EXPECT_LT(RoundTrip(averages), 2.5);
  EXPECT_LT(RoundTrip(seconds), 2.8);
}

TEST(Blocks, BytesOfPagesCostTheirPages) {
  std::mt19937_64 random(1);
  std::vector<double> bytes;
  for (int i = 0; i < 1440; ++i) bytes.push_back(8e9 + static_cast<double>(random() % 256) * 4096);
  EXPECT_LT(RoundTrip(bytes), 1.1);
}

TEST(Blocks, SteadyCountersCostTheirJitter) {
  std::mt19937_64 random(1);
  std::vector<double> counter;
  for (int i = 0; i < 1440; ++i) counter.push_back(i * 1000.0 + static_cast<double>(random() % 64));
  EXPECT_LT(RoundTrip(counter), 0.9);
}

TEST(Blocks, OutliersAndResetsArePatches) {
  std::mt19937_64 random(1);
  std::vector<double> counter;
  double value = 1e12;
  for (int i = 0; i < 1440; ++i) {
    if (i % 400 == 399) value = 0;
    value += static_cast<double>(random() % 16);
    counter.push_back(value);
  }
  EXPECT_LT(RoundTrip(counter), 0.7);
}

TEST(Blocks, FloatsOfOtherMakersKeepTheirBits) {
  std::mt19937_64 random(1);
  std::vector<double> singles;
  for (int i = 0; i < 1440; ++i) {
    singles.push_back(static_cast<float>(static_cast<double>(random() % 1000) / 1000.0 + 1));
  }
  EXPECT_LT(RoundTrip(singles), 3.2);
}

TEST(Blocks, SurviveEveryMixture) {
  std::mt19937_64 random(9);
  const double divisors[] = {1, 3, 7, 285, 1e3, 1e7, 1e9, 1e12, 0.125, 4096, 1.0 / 3};
  for (int round = 0; round < 1500; ++round) {
    const size_t count = 33 + random() % 600;
    const double divisor = divisors[random() % std::size(divisors)];
    const uint64_t spread = uint64_t{1} << (random() % 50);
    const unsigned odd = 1 + static_cast<unsigned>(random() % 60);
    std::vector<double> values;
    int64_t integer = static_cast<int64_t>(random() % 1'000'000'000);
    for (size_t i = 0; i < count; ++i) {
      integer += static_cast<int64_t>(random() % spread) -
                 (round % 3 == 0 ? 0 : static_cast<int64_t>(spread / 2));
      double value = static_cast<double>(integer) / divisor;
      if (random() % odd == 0) value = std::bit_cast<double>(random());
      if (random() % (odd + 20) == 0) value = StaleNaN();
      if (round % 5 == 0) value = std::nextafter(value, static_cast<double>(random() % 3) * 1e300);
      values.push_back(value);
    }
    RoundTrip(values);
  }
}

// Of a range of R numbers log2(R) bits each, a tenth of a bit for the digits, a few bytes once.
TEST(Blocks, DenseNoiseCostsItsBits) {
  std::mt19937_64 random(2);
  for (const uint64_t range : {3U, 5U, 11U, 65U, 100U, 130U, 530U, 1000U, 33'000U, 600'000U}) {
    std::vector<double> gauge;
    std::vector<double> counter;
    for (int i = 0; i < 1440; ++i) {
      gauge.push_back(static_cast<double>(random() % range) / 100);
      counter.push_back(i * 1234.5 + static_cast<double>(random() % range));
      counter.back() = std::floor(counter.back());
    }
    const double most = (std::log2(static_cast<double>(range)) + 0.22) / 8 + 40.0 / 1440;
    EXPECT_LT(RoundTripPacked(gauge, Packing::kDense), most) << range;
    // The line is not exactly straight: its values are rounded.
    if (range > 60) {
      EXPECT_LT(RoundTripPacked(counter, Packing::kDense), most + 0.01) << range;
    }
  }
}

TEST(Blocks, DecodeOnlyTheSpanAskedFor) {
  std::mt19937_64 random(4);
  for (const Packing packing : {Packing::kFast, Packing::kDense})
    for (const Shape shape : kShapes) {
      for (const size_t count : {40U, 300U, 1441U}) {
        std::vector<double> values = MakeValues(shape, count, 2);
        if (count == 300) std::fill(values.begin() + 100, values.end(), 7);
        const std::vector<TimestampMs> times = MakeTimes(count, 0, 10, 0, 1);
        Chunk chunk;
        ChunkEncoder(packing).Encode(times, values, &chunk);
        for (int round = 0; round < 60; ++round) {
          const size_t from = random() % count;
          const size_t to = from + random() % (count - from + 1);
          SampleColumns out;
          out.Add(-1, -1);
          const auto begin = static_cast<TimestampMs>(10 * from);
          ASSERT_TRUE(DecodeChunk(View(chunk), begin, static_cast<TimestampMs>(10 * to) - 1, &out)
                          .has_value());
          ASSERT_EQ(out.size(), 1 + to - from);
          for (size_t i = from; i < to; ++i) {
            ASSERT_EQ(out.timestamps[1 + i - from], times[i]);
            ASSERT_TRUE(SameBits(out.values[1 + i - from], values[i])) << i;
          }
        }
      }
    }
}

TEST(Blocks, TheLongestChunkRoundTrips) {
  for (const Shape shape : kShapes) RoundTrip(MakeValues(shape, kMaxChunkSamples, 3));
}

TEST(Unpack, GivesWhatTheReaderGives) {
  std::mt19937_64 random(5);
  for (unsigned bits = 0; bits <= kMaxPackedBits; ++bits) {
    const size_t count = 300;
    std::vector<uint8_t> data(PackedSize(count, bits));
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
    const PackedReader reader(data.data(), data.size(), bits);
    for (size_t first = 0; first < count; first += kUnpackRun) {
      uint64_t run[kUnpackRun];
      const size_t items = std::min(kUnpackRun, count - first);
      Unpack({data.data(), data.size(), bits}, first, items, run);
      for (size_t i = 0; i < items; ++i) ASSERT_EQ(run[i], reader.Get(first + i)) << bits;
    }
  }
}

// All radixes, with words that no encoder writes; against plain division.
TEST(UnpackDigits, GivesWhatDivisionGives) {
  std::mt19937_64 random(6);
  for (unsigned radix = kLeastRadix; radix <= kMostRadix; ++radix) {
    const unsigned word_bits = DigitWordBits(radix);
    uint64_t most = 1;
    for (int i = 0; i < 8; ++i) most *= radix;
    ASSERT_EQ(word_bits, BitWidth(--most));
    const size_t count = 300;
    const unsigned low_bits = radix % 2 == 0 ? 0 : radix % 49;
    std::vector<uint8_t> lows(PackedSize(count, low_bits));
    std::vector<uint8_t> words(PackedSize((count + 7) / 8, word_bits));
    for (uint8_t& byte : lows) byte = static_cast<uint8_t>(random());
    for (uint8_t& byte : words) byte = static_cast<uint8_t>(random());
    if (radix % 3 == 0) std::fill(words.begin(), words.end(), uint8_t{0xff});
    const PackedReader low(lows.data(), lows.size(), low_bits);
    const PackedReader word(words.data(), words.size(), word_bits);
    const DigitItems items{{radix, low_bits},
                           {lows.data(), lows.size(), low_bits},
                           {words.data(), words.size(), word_bits}};
    for (size_t first = 0; first < count; first += kUnpackRun) {
      uint64_t run[kUnpackRun];
      const size_t taken = std::min(kUnpackRun, count - first);
      UnpackDigits(items, first, taken, run);
      for (size_t i = 0; i < taken; ++i) {
        uint64_t digits = std::min(word.Get((first + i) / 8), most);
        for (size_t below = i % 8; below < 7; ++below) digits /= radix;
        ASSERT_EQ(run[i], low.Get(first + i) + (digits % radix << low_bits)) << radix << ' ' << i;
      }
    }
  }
}

TEST(FindDivisor, FindsWhatValuesWereDividedBy) {
  const auto find = [](double divisor, uint64_t range) {
    std::mt19937_64 random(3);
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) values.push_back(static_cast<double>(random() % range) / divisor);
    return FindDivisor(values);
  };
  EXPECT_EQ(find(1e9, 1'000'000'000'000), 1e9);
  EXPECT_EQ(find(285, 100'000), 285);
  EXPECT_EQ(find(300, 100'000), 300);
  EXPECT_EQ(find(1 << 20, 1'000'000'000), 1 << 20);
}

}  // namespace
}  // namespace vigil::chunks
