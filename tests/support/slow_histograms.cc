// SPDX-License-Identifier: Apache-2.0
// The slow twin for native histograms.
#include <map>
#include <memory>

#include "tests/support/slow_decoder.h"

namespace vigil::chunks::testing {
namespace {

std::vector<BucketSpan> ReadSpans(SlowCursor* in) {
  std::vector<BucketSpan> spans(in->Varint());
  for (BucketSpan& span : spans) {
    span.offset = static_cast<int32_t>(in->ZigZag());
    span.length = static_cast<uint32_t>(in->Varint());
  }
  return spans;
}

std::vector<int64_t> Indexes(const std::vector<BucketSpan>& spans) {
  std::vector<int64_t> indexes;
  int64_t next = 0;
  for (const BucketSpan& span : spans) {
    next += span.offset;
    for (uint32_t i = 0; i < span.length; ++i) indexes.push_back(next++);
  }
  return indexes;
}

// The walk over both lists of indexes.
std::vector<double> Move(const std::vector<BucketSpan>& from, const std::vector<double>& values,
                         const std::vector<BucketSpan>& to) {
  const std::vector<int64_t> old = Indexes(from);
  std::vector<double> moved;
  size_t at = 0;
  for (const int64_t index : Indexes(to)) {
    while (at < old.size() && old[at] < index) ++at;
    moved.push_back(at < old.size() && old[at] == index ? values[at] : 0);
  }
  return moved;
}

std::vector<double*> SlotsOf(Histogram* histogram) {
  std::vector<double*> slots{&histogram->count, &histogram->zero_count};
  for (double& value : histogram->positive_buckets) slots.push_back(&value);
  for (double& value : histogram->negative_buckets) slots.push_back(&value);
  return slots;
}

}  // namespace

Histogram SlowRecords::Next(SlowCursor* in) {
  if (repeats_ > 0) {
    --repeats_;
    return now_;
  }
  const unsigned control = in->Byte();
  if (control >= 0x80) {
    repeats_ = control - 0x80;
    return now_;
  }
  now_.reset_hint = static_cast<CounterResetHint>(control % 4);
  now_.integer = control / 4 % 2 == 1;
  if (control / 8 % 2 == 1) ReadLayout(in);
  const unsigned sum = in->Byte();
  if (sum / 16 == 10) {
    now_.sum = std::bit_cast<double>(std::bit_cast<uint64_t>(now_.sum) ^ in->Word(sum % 16));
  } else if (sum != 0x90) {
    uint64_t mantissa = 0;
    bool decimal = false;
    now_.sum = in->NumberOf(sum, &mantissa, &decimal);
  }
  if (control / 16 % 2 == 1) {
    ReadFloats(in);
  } else {
    ReadIntegers(in);
  }
  return now_;
}

void SlowRecords::ReadLayout(SlowCursor* in) {
  const auto schema = static_cast<int32_t>(in->ZigZag());
  if (schema != now_.schema) {
    for (double* slot : SlotsOf(&now_)) *slot = 0;
  }
  now_.schema = schema;
  now_.zero_threshold = in->Number();
  const std::vector<BucketSpan> positive = ReadSpans(in);
  const std::vector<BucketSpan> negative = ReadSpans(in);
  now_.custom_values.resize(in->Varint());
  for (double& value : now_.custom_values) value = in->Number();
  now_.positive_buckets = Move(now_.positive_spans, now_.positive_buckets, positive);
  now_.negative_buckets = Move(now_.negative_spans, now_.negative_buckets, negative);
  now_.positive_spans = positive;
  now_.negative_spans = negative;
  rest_ = 0;
}

void SlowRecords::ReadIntegers(SlowCursor* in) {
  const std::vector<double*> slots = SlotsOf(&now_);
  if (!whole_) {
    for (double* slot : slots) *slot = 0;
    rest_ = 0;
  }
  const unsigned control = in->Byte();
  const unsigned width = control % 64;
  std::vector<uint64_t> codes;
  if (control < 64) {
    codes = in->Packed(slots.size(), width);
  } else {
    std::vector<uint64_t> changed = in->Packed(slots.size(), 1);
    size_t ones = 0;
    for (const uint64_t one : changed) ones += one;
    const std::vector<uint64_t> items = in->Packed(ones, width);
    size_t item = 0;
    for (const uint64_t one : changed) codes.push_back(one == 1 ? items[item++] : 0);
  }
  int64_t sum = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto half = static_cast<int64_t>(codes[i] / 2);
    const int64_t change = codes[i] % 2 == 0 ? half : -half - 1;
    if (i == 0) {
      rest_ += change;
      sum = rest_;
      continue;
    }
    *slots[i] = static_cast<double>(static_cast<int64_t>(*slots[i]) + change);
    sum += static_cast<int64_t>(*slots[i]);
  }
  now_.count = static_cast<double>(sum);
  whole_ = true;
}

void SlowRecords::ReadFloats(SlowCursor* in) {
  unsigned same = 0;
  for (double* slot : SlotsOf(&now_)) {
    if (same > 0) {
      --same;
      continue;
    }
    const unsigned control = in->Byte();
    if (control % 16 == 0) {
      same = control / 16;
      continue;
    }
    const uint64_t word = in->Word(control % 16) << (8 * (8 - control / 16 - control % 16));
    *slot = std::bit_cast<double>(std::bit_cast<uint64_t>(*slot) ^ word);
  }
  CHECK(same == 0U);
  whole_ = false;
}

std::vector<HistogramSample> SlowDecodeHistogramChunk(std::string_view data, TimestampMs min_time) {
  SlowCursor in{data, 4};
  const unsigned encoding = in.Byte();
  CHECK(encoding / 16 == 5U);
  const size_t count = in.Varint();
  CHECK(in.Varint() == 0U);
  std::vector<TimestampMs> times{min_time};
  SlowTimes(in, encoding % 16, count, &times);
  SlowRecords records;
  std::vector<HistogramSample> samples;
  for (const TimestampMs time : times) {
    samples.push_back({time, std::make_shared<const Histogram>(records.Next(&in))});
  }
  CHECK(in.at == data.size());
  return samples;
}

}  // namespace vigil::chunks::testing
