// SPDX-License-Identifier: Apache-2.0
#include "server/head/sample_stream.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/support/sample_series.h"

namespace vigil::head {
namespace {

using vigil::testing::kShapes;
using vigil::testing::MakeTimes;
using vigil::testing::MakeValues;
using vigil::testing::Shape;

void ExpectRoundTrip(const std::vector<TimestampMs>& times, const std::vector<double>& values) {
  SampleStream stream;
  size_t grown = 0;
  for (size_t i = 0; i < times.size(); ++i) grown += stream.Append(times[i], values[i]);
  EXPECT_EQ(grown, stream.capacity());
  EXPECT_EQ(stream.count(), times.size());
  EXPECT_EQ(stream.first_time(), times.front());
  EXPECT_EQ(stream.last_time(), times.back());
  EXPECT_TRUE(SameBits(stream.last_value(), values.back()));
  SampleColumns out;
  DecodeSampleStream(stream.data(), stream.size(), stream.first_time(), INT64_MIN, INT64_MAX, &out);
  EXPECT_EQ(out.timestamps, times);
  ASSERT_EQ(out.values.size(), values.size());
  EXPECT_EQ(std::memcmp(out.values.data(), values.data(), 8 * values.size()), 0);
}

TEST(SampleStream, GivesBackEveryShape) {
  for (const Shape shape : kShapes) {
    for (const size_t count : {1U, 2U, 3U, 63U, 64U, 65U, 66U, 1000U}) {
      for (const int64_t jitter : {0, 9}) {
        SCOPED_TRACE(std::string(ShapeName(shape)) + " " + std::to_string(count));
        ExpectRoundTrip(MakeTimes(count, 1'700'000'000'000, 15000, jitter, count),
                        MakeValues(shape, count, count));
      }
    }
  }
}

TEST(SampleStream, GivesBackRandomSamples) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 2000; ++round) {
    const size_t count = 1 + random() % 100;
    std::vector<TimestampMs> times{static_cast<int64_t>(random() % 1000)};
    std::vector<double> values;
    while (times.size() < count) {
      times.push_back(times.back() + 1 + static_cast<int64_t>(random() >> (10 + random() % 54)));
    }
    const double powers[] = {1, 10, 100, 1000, 1e6, 1e7};
    for (size_t i = 0; i < count; ++i) {
      const auto integer = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64));
      const bool again = i > 0 && random() % 3 == 0;
      values.push_back(again ? values.back()
                             : (random() % 9 == 0 ? std::bit_cast<double>(random())
                                                  : integer / powers[random() % 6]));
    }
    ExpectRoundTrip(times, values);
  }
}

TEST(SampleStream, RepeatedSamplesTakeAByteForSixtyFour) {
  SampleStream stream;
  for (int i = 0; i < 1000; ++i) stream.Append(1000 + i * 15000, 5);
  EXPECT_LE(stream.size(), 30U);
}

TEST(SampleStream, ChangesOfAScrapedCounterTakeAByteEach) {
  SampleStream stream;
  for (int i = 0; i < 400; ++i) stream.Append(1000 + i * 15000, i * 100 + i % 20);
  EXPECT_LE(stream.size(), 430U);
  EXPECT_EQ(stream.mark(), 0U);
}

// One wide change does not make all that follow wide.
TEST(SampleStream, RunsBecomeNarrowAgain) {
  SampleStream stream;
  double value = 0;
  for (int i = 0; i < 500; ++i) {
    value += i % 100 == 0 ? 30'000 : 7;
    stream.Append(1000 + i * 15000, value);
  }
  EXPECT_LE(stream.size(), 650U);
}

TEST(SampleStream, StartsAnewAfterReset) {
  SampleStream stream;
  for (int i = 0; i < 10; ++i) stream.Append(i * 10, 0.5 * i);
  stream.Reset();
  EXPECT_TRUE(stream.empty());
  EXPECT_EQ(stream.last_time(), 90);
  stream.Append(100, 4.5);
  stream.Append(110, 4.5);
  SampleColumns out;
  DecodeSampleStream(stream.data(), stream.size(), stream.first_time(), INT64_MIN, INT64_MAX, &out);
  EXPECT_EQ(out.timestamps, (std::vector<TimestampMs>{100, 110}));
  EXPECT_EQ(out.values, (std::vector<double>{4.5, 4.5}));
}

// Any span against a filter of all samples, behind what the columns hold already.
TEST(SampleStream, DecodesAnySpanAsAFilterOfAll) {
  std::mt19937_64 random(29);
  for (int round = 0; round < 300; ++round) {
    const size_t count = 1 + random() % (round % 2 == 0 ? 400U : 3000U);
    SampleStream stream;
    SampleColumns all;
    TimestampMs time = static_cast<int64_t>(random() % 1000) - 500;
    double value = 0;
    for (size_t i = 0; i < count; ++i) {
      time += random() % (round % 5 == 0 ? 5U : 80U) == 0
                  ? 1 + static_cast<int64_t>(random() % 100'000)
                  : 15'000;
      const uint64_t rise = random() % (round % 3 == 0 ? 100'000U : 200U);
      if (random() % 3 != 0) value = std::floor(value + static_cast<double>(rise));
      if (random() % 40 == 0) value = std::bit_cast<double>(random());
      if (random() % 40 == 0) value = static_cast<double>(random() % 100'000) / 100;
      stream.Append(time, value);
      all.Add(time, value);
    }
    const TimestampMs from = all.timestamps[random() % count] + static_cast<int64_t>(random() % 3);
    const TimestampMs to = all.timestamps[random() % count] - static_cast<int64_t>(random() % 3);
    SampleColumns want;
    want.Add(-1, 5);
    SampleColumns got = want;
    for (size_t i = 0; i < count; ++i) {
      if (all.timestamps[i] < from || all.timestamps[i] > to) continue;
      want.Add(all.timestamps[i], all.values[i]);
    }
    DecodeSampleStream(stream.data(), stream.size(), stream.first_time(), from, to, &got);
    ASSERT_EQ(got.timestamps, want.timestamps) << round;
    ASSERT_EQ(std::memcmp(got.values.data(), want.values.data(), 8 * want.size()), 0) << round;
    const StreamPart part = FindStreamPart(stream.data(), stream.size(), stream.mark(), from, to);
    SampleColumns of_part;
    of_part.Add(-1, 5);
    DecodeSampleStream(stream.data() + part.begin, part.end - part.begin, stream.first_time(), from,
                       to, &of_part);
    ASSERT_EQ(of_part.timestamps, want.timestamps) << round;
    ASSERT_EQ(std::memcmp(of_part.values.data(), want.values.data(), 8 * want.size()), 0) << round;
  }
}

// Of a long stream only what is near the span is looked at.
TEST(SampleStream, FindsThePartOfASpan) {
  for (const Shape shape : kShapes) {
    SCOPED_TRACE(ShapeName(shape));
    constexpr size_t kCount = 20'000;
    const std::vector<TimestampMs> times = MakeTimes(kCount, 0, 1000, 0, 1);
    const std::vector<double> values = MakeValues(shape, kCount, 3);
    SampleStream stream;
    for (size_t i = 0; i < kCount; ++i) stream.Append(times[i], values[i]);
    ExpectRoundTrip(times, values);
    for (const size_t first : {size_t{0}, kCount / 3, kCount - 10}) {
      const StreamPart part = FindStreamPart(stream.data(), stream.size(), stream.mark(),
                                             times[first], times[first + 9]);
      EXPECT_LE(part.end - part.begin, 1200U);
      SampleColumns out;
      DecodeSampleStream(stream.data() + part.begin, part.end - part.begin, stream.first_time(),
                         times[first], times[first + 9], &out);
      ASSERT_EQ(out.size(), 10U);
      EXPECT_EQ(out.timestamps[0], times[first]);
      EXPECT_EQ(std::memcmp(out.values.data(), &values[first], 80), 0);
    }
  }
}

TEST(SampleStream, DecodesOnlyTheSpan) {
  SampleStream stream;
  for (int i = 0; i < 100; ++i) stream.Append(i * 10, i);
  SampleColumns out;
  DecodeSampleStream(stream.data(), stream.size(), 0, 15, 40, &out);
  EXPECT_EQ(out.timestamps, (std::vector<TimestampMs>{20, 30, 40}));
}

}  // namespace
}  // namespace vigil::head
