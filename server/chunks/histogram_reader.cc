// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <span>
#include <utility>
#include <vector>

#include "client-lib/model/sample.h"
#include "server/chunks/histogram_record.h"
#include "server/chunks/histogram_slots.h"

namespace vigil::chunks {
namespace {

// Counts cost at least a bit per slot as integers and 1/16 byte as floats: a layout that promises
// more than the bytes left can hold is refused before room is made for it.
constexpr size_t kMaxSlotsPerByte = 16;

bool ReadSpans(ByteReader* reader, std::vector<BucketSpan>* spans, uint64_t* buckets) {
  uint64_t count = 0;
  if (!reader->Varint(&count) || count > reader->left()) return false;
  spans->resize(count);
  *buckets = 0;
  for (BucketSpan& span : *spans) {
    int64_t offset = 0;
    uint64_t length = 0;
    if (!reader->ZigZagVarint(&offset) || !reader->Varint(&length)) return false;
    if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX) return false;
    span = {static_cast<int32_t>(offset), static_cast<uint32_t>(length)};
    *buckets += length;
  }
  return *buckets <= reader->left() * kMaxSlotsPerByte;
}

// Gives slot after slot of what PutIntegers() packed.
class Codes {
 public:
  bool Open(ByteReader* reader, size_t slots) {
    uint8_t control = 0;
    if (!reader->Byte(&control)) return false;
    const unsigned width = control & kWidthBits;
    if ((control & ~(kWidthBits | kSparseBit)) != 0 || width > kMaxPackedBits) return false;
    sparse_ = (control & kSparseBit) != 0;
    size_t items = slots;
    if (sparse_) {
      const uint8_t* bitmap = nullptr;
      const size_t size = PackedSize(slots, 1);
      if (!reader->Bytes(size, &bitmap)) return false;
      bitmap_ = PackedReader(bitmap, size, 1);
      items = 0;
      for (size_t i = 0; i < size; ++i) items += static_cast<size_t>(std::popcount(bitmap[i]));
      // Bits behind the last slot say nothing.
      for (size_t i = slots; i < 8 * size; ++i) items -= (bitmap[i / 8] >> (i % 8)) & 1U;
    } else if (width == 0) {
      return false;
    }
    const uint8_t* data = nullptr;
    const size_t size = PackedSize(items, width);
    if (!reader->Bytes(size, &data)) return false;
    packed_ = PackedReader(data, size, width);
    return true;
  }
  int64_t Next() {
    if (sparse_ && bitmap_.Get(slot_++) == 0) return 0;
    return UnZigZag(packed_.Get(item_++));
  }

 private:
  bool sparse_ = false;
  PackedReader bitmap_{nullptr, 0, 0};
  PackedReader packed_{nullptr, 0, 0};
  size_t slot_ = 0;
  size_t item_ = 0;
};

// Gives slot after slot of what PutFloats() wrote.
class Steps {
 public:
  explicit Steps(ByteReader* reader) : reader_(*reader) {}

  bool Apply(double* value) {
    if (same_ > 0) {
      --same_;
      return true;
    }
    uint8_t control = 0;
    if (!reader_.Byte(&control)) return false;
    const size_t high = control >> 4;
    const size_t bytes = control & 15;
    if (bytes == 0) {
      same_ = high;
      return true;
    }
    uint64_t word = 0;
    if (high + bytes > 8 || !reader_.Word(bytes, &word)) return false;
    *value =
        std::bit_cast<double>(std::bit_cast<uint64_t>(*value) ^ word << (8 * (8 - high - bytes)));
    return true;
  }
  bool Apply(std::span<double> values) {
    return std::all_of(values.begin(), values.end(),
                       [this](double& value) { return Apply(&value); });
  }
  [[nodiscard]] bool AtEnd() const { return same_ == 0; }

 private:
  ByteReader& reader_;
  size_t same_ = 0;
};

}  // namespace

bool HistogramReader::Next(ByteReader* reader, HistogramPtr* out) {
  if (repeats_ > 0) {
    --repeats_;
  } else {
    uint8_t control = 0;
    if (!reader->Byte(&control)) return false;
    if ((control & kRepeatBit) != 0) {
      if (!begun_) return false;
      repeats_ = control & 0x7f;
    } else {
      if (!ReadRecord(reader, control)) return false;
      made_.reset();
    }
  }
  if (out == nullptr) return true;
  if (made_ == nullptr) made_ = std::make_shared<const Histogram>(now_);
  *out = made_;
  return true;
}

bool HistogramReader::ReadRecord(ByteReader* reader, uint8_t control) {
  const bool layout = (control & kLayoutBit) != 0;
  if ((control & 0x60) != 0 || (!begun_ && !layout)) return false;
  now_.reset_hint = static_cast<CounterResetHint>(control & kHintBits);
  now_.integer = (control & kIntegerBit) != 0;
  if (layout && !ReadLayout(reader)) return false;
  begun_ = true;
  if (!ReadSum(reader)) return false;
  return (control & kFloatsBit) != 0 ? ReadFloats(reader) : ReadIntegers(reader);
}

bool HistogramReader::ReadLayout(ByteReader* reader) {
  int64_t schema = 0;
  Number zero_threshold;
  std::vector<BucketSpan> positive;
  std::vector<BucketSpan> negative;
  uint64_t positive_count = 0;
  uint64_t negative_count = 0;
  uint64_t custom = 0;
  if (!reader->ZigZagVarint(&schema) || !IsKnownSchema(schema) ||
      !reader->ReadNumber(&zero_threshold) || !ReadSpans(reader, &positive, &positive_count) ||
      !ReadSpans(reader, &negative, &negative_count) || !reader->Varint(&custom) ||
      custom > reader->left()) {
    return false;
  }
  now_.custom_values.resize(custom);
  for (double& value : now_.custom_values) {
    Number number;
    if (!reader->ReadNumber(&number)) return false;
    value = number.value;
  }
  if (positive_count + negative_count > reader->left() * kMaxSlotsPerByte) return false;
  if (now_.schema != schema) ForgetBuckets();
  now_.schema = static_cast<int32_t>(schema);
  now_.zero_threshold = zero_threshold.value;
  now_.positive_buckets =
      TakeOver(now_.positive_spans, now_.positive_buckets, positive, positive_count);
  now_.negative_buckets =
      TakeOver(now_.negative_spans, now_.negative_buckets, negative, negative_count);
  now_.positive_spans = std::move(positive);
  now_.negative_spans = std::move(negative);
  rest_ = 0;
  return true;
}

bool HistogramReader::ReadSum(ByteReader* reader) {
  uint8_t control = 0;
  if (!reader->Byte(&control)) return false;
  if (control == kSameSum) return true;
  if (control > kXorSum && control < kXorSum + 8) {
    uint64_t change = 0;
    if (!reader->Word(control - kXorSum, &change)) return false;
    now_.sum = std::bit_cast<double>(std::bit_cast<uint64_t>(now_.sum) ^ change);
    return true;
  }
  Number number;
  if (!reader->NumberAfter(control, &number)) return false;
  now_.sum = number.value;
  return true;
}

bool HistogramReader::ReadIntegers(ByteReader* reader) {
  Codes codes;
  if (!codes.Open(reader, SlotsOf(now_))) return false;
  if (!whole_) {
    ForgetBuckets();
    rest_ = 0;
  }
  bool fits = true;
  rest_ += codes.Next();
  auto sum = static_cast<uint64_t>(rest_);
  const auto add = [&](double* value) {
    const int64_t slot = static_cast<int64_t>(*value) + codes.Next();
    fits = fits && FitsInteger(slot);
    *value = static_cast<double>(slot);
    sum += static_cast<uint64_t>(slot);
  };
  add(&now_.zero_count);
  for (double& value : now_.positive_buckets) add(&value);
  for (double& value : now_.negative_buckets) add(&value);
  const auto count = static_cast<int64_t>(sum);
  now_.count = static_cast<double>(count);
  whole_ = true;
  return fits && FitsInteger(rest_) && FitsInteger(count);
}

bool HistogramReader::ReadFloats(ByteReader* reader) {
  Steps steps(reader);
  whole_ = false;
  return steps.Apply(&now_.count) && steps.Apply(&now_.zero_count) &&
         steps.Apply(std::span(now_.positive_buckets)) &&
         steps.Apply(std::span(now_.negative_buckets)) && steps.AtEnd();
}

void HistogramReader::ForgetBuckets() {
  now_.count = 0;
  now_.zero_count = 0;
  std::fill(now_.positive_buckets.begin(), now_.positive_buckets.end(), 0);
  std::fill(now_.negative_buckets.begin(), now_.negative_buckets.end(), 0);
}

void HistogramReader::ForgetCounts() {
  ForgetBuckets();
  now_.sum = 0;
  rest_ = 0;
  whole_ = true;
  made_.reset();
}

}  // namespace vigil::chunks
