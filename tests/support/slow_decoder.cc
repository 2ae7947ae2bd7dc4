// SPDX-License-Identifier: Apache-2.0
#include "tests/support/slow_decoder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "tests/support/slow_cursor.h"

namespace vigil::chunks::testing {
namespace {

using Cursor = SlowCursor;

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

struct SlowBlocks {
  unsigned mode;
  bool corrected;
  double divisor;
  uint64_t base;
};

// Items as digits, divided out one by one. radix^8 is below 2^56.
std::vector<uint64_t> Digits(Cursor& in, size_t count, uint64_t radix, unsigned low_bits) {
  std::vector<uint64_t> items = in.Packed(count, low_bits);
  uint64_t words = 1;
  for (int digit = 0; digit < 8; ++digit) words *= radix;
  unsigned bits = 0;
  while (words > uint64_t{1} << bits) ++bits;
  const std::vector<uint64_t> groups = in.Packed((count + 7) / 8, bits);
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = std::min(groups[i / 8], words - 1);
    for (size_t digit = i % 8; digit < 7; ++digit) word /= radix;
    items[i] += word % radix << low_bits;
  }
  return items;
}

// One block of encoding 6, value by value.
void Block(Cursor& in, SlowBlocks* blocks, size_t count, std::vector<double>* values) {
  blocks->base += in.ZigZag();
  const uint64_t slope = blocks->mode == 0 ? 0 : in.ZigZag();
  const unsigned control = in.Byte();
  unsigned bits = control % 64;
  const unsigned radix = bits >= 57 ? in.Byte() : 0;
  if (radix != 0) bits = bits == 63 ? in.Byte() : bits - 57;
  std::map<size_t, uint64_t> patches;
  std::map<size_t, double> specials;
  size_t position = 0;
  for (uint64_t left = control / 64 % 2 == 1 ? in.Varint() : 0; left > 0; --left) {
    position += in.Varint();
    patches[position++] = in.ZigZag();
  }
  position = 0;
  for (uint64_t left = control / 128 == 1 ? in.Varint() : 0; left > 0; --left) {
    position += in.Varint();
    const bool stale = static_cast<unsigned char>(in.bytes.at(in.at)) == 0xf0;
    if (stale) ++in.at;
    specials[position++] = stale ? StaleNaN() : in.Number();
  }
  const bool delta = blocks->mode == 1;
  const size_t packed = delta ? count - 1 : count;
  std::vector<uint64_t> items =
      radix != 0 ? Digits(in, packed, radix, bits) : in.Packed(packed, bits);
  if (delta) items.insert(items.begin(), 0);
  for (const auto& [at, high] : patches) items[at] += high << bits;
  const uint64_t correction = blocks->corrected ? in.ZigZag() : 0;
  const std::vector<uint64_t> corrections =
      blocks->corrected ? in.Packed(count, in.Byte()) : std::vector<uint64_t>(count);
  uint64_t integer = blocks->base;
  for (size_t i = 0; i < count; ++i) {
    if (delta && i > 0) integer += slope + items[i];
    if (!delta) integer = blocks->base + items[i];
    if (blocks->mode == 2) integer += static_cast<uint64_t>(static_cast<int64_t>(slope * i) >> 16);
    const double value = static_cast<double>(static_cast<int64_t>(integer)) / blocks->divisor;
    const uint64_t corrected = std::bit_cast<uint64_t>(value) + correction + corrections[i];
    const auto special = specials.find(i);
    values->push_back(special != specials.end() ? special->second
                                                : std::bit_cast<double>(corrected));
  }
}

void Blocks(Cursor& in, size_t count, std::vector<double>* values) {
  const unsigned flags = in.Byte();
  SlowBlocks blocks{flags % 4, flags / 4 % 2 == 1, in.Number(), 0};
  const size_t length = in.Varint();
  while (values->size() < count) {
    Block(in, &blocks, std::min(length, count - values->size()), values);
  }
}

void Split(Cursor& in, size_t count, std::vector<double>* values) {
  const unsigned low_bits = in.Byte();
  const size_t count_of_highs = in.Varint();
  std::vector<uint64_t> highs(16);  // beyond those that are there: 0
  for (size_t i = 0; i < count_of_highs; ++i) highs[i] = in.Varint();
  std::map<size_t, uint64_t> exceptions;
  size_t position = 0;
  for (uint64_t left = in.Varint(); left > 0; --left) {
    position += in.Varint();
    exceptions[position++] = in.Varint();
  }
  unsigned index_bits = 0;
  while (count_of_highs > size_t{1} << index_bits) ++index_bits;
  const std::vector<uint64_t> indexes = in.Packed(count, index_bits);
  const std::vector<uint64_t> lows = in.Packed(count, low_bits);
  for (size_t i = 0; i < count; ++i) {
    const auto exception = exceptions.find(i);
    const uint64_t high = exception != exceptions.end() ? exception->second : highs.at(indexes[i]);
    values->push_back(std::bit_cast<double>((high << low_bits) + lows[i]));
  }
}

void Values(Cursor& in, unsigned encoding, size_t count, std::vector<double>* values) {
  if (encoding == 0) {
    values->assign(count, in.Number());
  } else if (encoding == 1 || encoding == 2) {
    Ints(in, encoding == 2, count, values);
  } else if (encoding == 3) {
    Xors(in, count, values);
  } else if (encoding == 6) {
    Blocks(in, count, values);
  } else if (encoding == 7) {
    Split(in, count, values);
  } else {
    while (values->size() < count) {
      const uint64_t run = in.Varint();
      values->insert(values->end(), run, in.Number());
    }
  }
}

}  // namespace

void SlowTimes(SlowCursor& in, unsigned encoding, size_t count, std::vector<TimestampMs>* times) {
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
  SlowTimes(in, encoding % 16, count, &samples.timestamps);
  Values(in, encoding / 16, count, &samples.values);
  CHECK(in.at == data.size());
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
  CHECK(in.at == page.size());
  return samples;
}

}  // namespace vigil::chunks::testing
