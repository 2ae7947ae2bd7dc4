// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/chunks/slow_decoder.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "tests/unit/server/chunks/slow_cursor.h"

namespace vigil::chunks::testing {
namespace {

using Cursor = SlowCursor;

void Times(Cursor& in, unsigned encoding, size_t count, std::vector<TimestampMs>* times) {
  auto last = static_cast<uint64_t>(times->front());
  uint64_t delta = count > 1 ? in.Varint() : 0;
  if (encoding == 0) {
    while (times->size() < count) times->push_back(static_cast<TimestampMs>(last += delta));
    return;
  }
  times->push_back(static_cast<TimestampMs>(last += delta));
  if (encoding == 1) {
    while (times->size() < count) {
      for (uint64_t zeros = in.Varint(); zeros > 0; --zeros) {
        times->push_back(static_cast<TimestampMs>(last += delta));
      }
      if (times->size() == count) return;
      delta += in.ZigZag();
      times->push_back(static_cast<TimestampMs>(last += delta));
    }
    return;
  }
  const uint64_t base = in.ZigZag();
  const unsigned bits = in.Byte();
  for (const uint64_t item : in.Packed(count - 2, bits)) {
    delta += base + item;
    times->push_back(static_cast<TimestampMs>(last += delta));
  }
}

struct SlowNumber {
  double value;
  uint64_t mantissa;
  bool decimal;
};

void Ints(Cursor& in, bool deltas, size_t count, std::vector<double>* values) {
  const double power = std::pow(10.0, in.Byte());
  uint64_t integer = deltas ? in.ZigZag() : 0;
  const uint64_t base = in.ZigZag();
  const unsigned bits = in.Byte();
  std::map<size_t, SlowNumber> exceptions;
  size_t position = 0;
  for (uint64_t left = in.Varint(); left > 0; --left) {
    position += in.Varint();
    SlowNumber number{};
    number.value = in.Number(&number.mantissa, &number.decimal);
    exceptions[position++] = number;
  }
  const std::vector<uint64_t> packed = in.Packed(deltas ? count - 1 : count, bits);
  for (size_t i = 0; i < count; ++i) {
    const auto exception = exceptions.find(i);
    if (exception != exceptions.end()) {
      values->push_back(exception->second.value);
      if (exception->second.decimal) integer = exception->second.mantissa;
      continue;
    }
    if (!deltas) integer = base + packed[i];
    if (deltas && i > 0) integer += base + packed[i - 1];
    values->push_back(static_cast<double>(static_cast<int64_t>(integer)) / power);
  }
}

void Xors(Cursor& in, size_t count, std::vector<double>* values) {
  uint64_t bits = in.Word(8);
  values->push_back(std::bit_cast<double>(bits));
  while (values->size() < count) {
    const unsigned control = in.Byte();
    if (control % 16 == 0) {
      values->insert(values->end(), control / 16 + 1, values->back());
      continue;
    }
    bits ^= in.Word(control % 16) << (8 * (8 - control / 16 - control % 16));
    values->push_back(std::bit_cast<double>(bits));
  }
}

void Values(Cursor& in, unsigned encoding, size_t count, std::vector<double>* values) {
  if (encoding == 0) {
    values->assign(count, in.Number());
  } else if (encoding == 1 || encoding == 2) {
    Ints(in, encoding == 2, count, values);
  } else if (encoding == 3) {
    Xors(in, count, values);
  } else {
    while (values->size() < count) {
      const uint64_t run = in.Varint();
      values->insert(values->end(), run, in.Number());
    }
  }
}

}  // namespace

SampleColumns SlowDecodeChunk(std::string_view data, TimestampMs min_time) {
  Cursor in{data, 4};
  const unsigned encoding = in.Byte();
  const size_t count = in.Varint();
  const size_t stale = in.Varint();
  if (encoding / 16 != 0 && stale < count) {
    for (int number = 0; number < 5; ++number) {
      if (static_cast<unsigned char>(data.at(in.at)) >= 0xf0) {
        ++in.at;
      } else {
        in.Number();
      }
    }
    in.Varint();
  }
  SampleColumns samples;
  samples.timestamps.push_back(min_time);
  Times(in, encoding % 16, count, &samples.timestamps);
  Values(in, encoding / 16, count, &samples.values);
  EXPECT_EQ(in.at, data.size());
  return samples;
}

JournalSamples SlowDecodeJournalPage(std::string_view page) {
  Cursor in{page, 5};
  const size_t count = in.Varint();
  JournalSamples samples;
  uint64_t series = 0;
  while (samples.series.size() < count) {
    uint64_t length = in.Varint();
    series += in.ZigZag();
    for (; length > 0; --length) samples.series.push_back(static_cast<int64_t>(series++));
    --series;
  }
  uint64_t timestamp = 0;
  while (samples.timestamps.size() < count) {
    const uint64_t length = in.Varint();
    timestamp += in.ZigZag();
    samples.timestamps.insert(samples.timestamps.end(), length,
                              static_cast<TimestampMs>(timestamp));
  }
  while (samples.values.size() < count) {
    const unsigned control = in.Byte();
    if (control / 16 == 9) {
      samples.values.insert(samples.values.end(), control % 16 + 1, samples.values.back());
      continue;
    }
    uint64_t mantissa = 0;
    bool decimal = false;
    samples.values.push_back(in.NumberOf(control, &mantissa, &decimal));
  }
  EXPECT_EQ(in.at, page.size());
  return samples;
}

// The example of the header's text, by hand.
TEST(SlowDecoder, ReadsAChunkWrittenByHand) {
  const std::string_view chunk("\0\0\0\0\x00\x03\x00\x0a\x12\x39\x30", 11);
  const SampleColumns samples = SlowDecodeChunk(chunk, 1000);
  EXPECT_EQ(samples.timestamps, (std::vector<TimestampMs>{1000, 1010, 1020}));
  EXPECT_EQ(samples.values, std::vector<double>(3, 1234.5));
}

}  // namespace vigil::chunks::testing
