// SPDX-License-Identifier: Apache-2.0
#include "server/head/sample_stream.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/chunks/bytes.h"
#include "server/chunks/decimal.h"

namespace vigil::head {
namespace {

using chunks::SignedBytes;
using chunks::WrapAdd;
using chunks::WrapSub;

constexpr uint8_t kSample = 0x80;
constexpr uint8_t kStepChanges = 0x40;
constexpr uint8_t kSameValue = 0x00;
constexpr uint8_t kInteger = 0x10;
constexpr uint8_t kXor = 0x20;
constexpr uint8_t kNumber = 0x30;
constexpr uint8_t kMaxRun = 0x3f;
// After so many values that are no decimals, a stream is taken for noise.
constexpr uint8_t kGiveUp = 4;

constexpr size_t kMaxSampleBytes =
    1 + chunks::kMaxVarintBytes + chunks::kMaxNumberBytes + chunks::kSlack;
constexpr uint32_t kFirstCapacity = 56;  // what malloc gives for 64 bytes

}  // namespace

SampleStream::~SampleStream() { std::free(data_); }

void SampleStream::Grow() {
  const uint32_t wanted =
      std::max<uint32_t>(capacity_ + capacity_ / 2, size_ + static_cast<uint32_t>(kMaxSampleBytes));
  // Sizes that leave malloc's 8 bytes of bookkeeping room within a multiple of 16.
  const uint32_t rounded = std::max(kFirstCapacity, (wanted + 15) / 16 * 16 + 8);
  auto* grown = static_cast<uint8_t*>(std::realloc(data_, rounded));
  CHECK(grown != nullptr);
  data_ = grown;
  capacity_ = rounded;
}

void SampleStream::Reset() {
  std::free(data_);
  data_ = nullptr;
  size_ = capacity_ = count_ = 0;
  not_decimal_ = 0;
  has_integer_ = last_is_run_ = false;
  last_step_ = 0;
}

size_t SampleStream::Append(TimestampMs timestamp, double value) {
  const int64_t step = count_ == 0 ? 0 : WrapSub(timestamp, last_time_);
  const bool same_value = count_ > 0 && SameBits(value, last_value_);
  if (same_value && step == last_step_ && last_is_run_ && data_[size_ - 1] < kMaxRun) {
    ++data_[size_ - 1];
    last_time_ = timestamp;
    ++count_;
    return 0;
  }
  const uint32_t capacity = capacity_;
  if (size_ + kMaxSampleBytes > capacity_) Grow();
  uint8_t* const control = data_ + size_;
  uint8_t* out = control + 1;
  last_is_run_ = same_value && step == last_step_;
  if (last_is_run_) {
    *control = 0;
  } else {
    *control = kSample;
    if (step != last_step_) {
      *control |= kStepChanges;
      out = chunks::PutZigZag(out, WrapSub(step, last_step_));
    }
    if (!same_value) out = PutValue(control, out, value);
  }
  if (count_ == 0) first_time_ = timestamp;
  size_ = static_cast<uint32_t>(out - data_);
  last_step_ = step;
  last_time_ = timestamp;
  last_value_ = value;
  ++count_;
  return capacity_ - capacity;
}

uint8_t* SampleStream::PutValue(uint8_t* control, uint8_t* out, double value) {
  if (not_decimal_ >= kGiveUp) return PutXor(control, out, value);
  int64_t integer = 0;
  if (has_integer_ && exponent_ > 0 && chunks::ToDecimalWith(value, exponent_, &integer)) {
    const int64_t change = integer - integer_;
    const unsigned width = SignedBytes(change);
    *control |= static_cast<uint8_t>(kInteger | width);
    integer_ = integer;
    not_decimal_ = 0;
    return chunks::PutWord(out, static_cast<uint64_t>(change), width);
  }
  chunks::Decimal decimal;
  if (!chunks::ToDecimal(value, &decimal)) {
    ++not_decimal_;
    if (!has_integer_) {
      *control |= kNumber;
      return chunks::PutRaw(out, value);
    }
    return PutXor(control, out, value);
  }
  not_decimal_ = 0;
  const int64_t change = decimal.mantissa - integer_;
  integer_ = decimal.mantissa;
  if (has_integer_ && decimal.exponent == exponent_) {
    const unsigned width = SignedBytes(change);
    *control |= static_cast<uint8_t>(kInteger | width);
    return chunks::PutWord(out, static_cast<uint64_t>(change), width);
  }
  has_integer_ = true;
  exponent_ = static_cast<uint8_t>(decimal.exponent);
  *control |= kNumber;
  return chunks::PutDecimal(out, decimal.mantissa, decimal.exponent);
}

uint8_t* SampleStream::PutXor(uint8_t* control, uint8_t* out, double value) {
  const uint64_t x = std::bit_cast<uint64_t>(value) ^ std::bit_cast<uint64_t>(last_value_);
  const unsigned leading = static_cast<unsigned>(std::countl_zero(x)) / 8;
  const unsigned trailing = static_cast<unsigned>(std::countr_zero(x)) / 8;
  if (leading >= trailing) {
    *control |= static_cast<uint8_t>(kXor | leading);
    return chunks::PutWord(out, x, 8 - leading);
  }
  *control |= static_cast<uint8_t>(kXor | (8 + trailing));
  return chunks::PutWord(out, x >> (8 * trailing), 8 - trailing);
}

namespace {

// Reads a stream sample by sample; its own bytes are trusted, the ends are checked all the same.
class StreamReader {
 public:
  StreamReader(const uint8_t* data, size_t size, TimestampMs first_time)
      : reader_(std::string_view(reinterpret_cast<const char*>(data), size)), time_(first_time) {}

  [[nodiscard]] bool AtEnd() const { return run_ == 0 && reader_.AtEnd(); }
  [[nodiscard]] TimestampMs time() const { return time_; }
  [[nodiscard]] double value() const { return value_; }

  void Next() {
    if (run_ == 0) {
      uint8_t control = 0;
      Check(reader_.Byte(&control));
      if (control >= kSample) {
        ReadSample(control);
        return;
      }
      run_ = control + 1U;
    }
    --run_;
    time_ = WrapAdd(time_, step_);
  }

 private:
  static void Check(bool good) { CHECK(good); }

  void ReadSample(uint8_t control) {
    if ((control & kStepChanges) != 0) {
      int64_t change = 0;
      Check(reader_.ZigZagVarint(&change));
      step_ = WrapAdd(step_, change);
    }
    time_ = WrapAdd(time_, step_);
    const unsigned n = control & 15;
    uint64_t word = 0;
    switch (control & 0x30) {
      case kSameValue:
        return;
      case kInteger: {
        Check(reader_.Word(n, &word));
        const unsigned shift = 64 - 8 * n;
        integer_ += n == 0 ? 0 : static_cast<int64_t>(word << shift) >> shift;
        value_ = static_cast<double>(integer_) / power_;
        return;
      }
      case kXor:
        Check(reader_.Word(n < 8 ? 8 - n : 16 - n, &word));
        if (n >= 8) word <<= 8 * (n - 8);
        value_ = std::bit_cast<double>(std::bit_cast<uint64_t>(value_) ^ word);
        return;
      default:
        break;
    }
    chunks::Number number;
    Check(reader_.Byte(&control) && reader_.NumberAfter(control, &number));
    value_ = number.value;
    if (!number.decimal) return;
    integer_ = number.mantissa;
    power_ = chunks::kPowersOfTen[control >> 4];
  }

  chunks::ByteReader reader_;
  unsigned run_ = 0;  // samples left that repeat
  TimestampMs time_;
  int64_t step_ = 0;
  double value_ = 0;
  int64_t integer_ = 0;
  double power_ = 1;
};

}  // namespace

void DecodeSampleStream(const uint8_t* data, size_t size, TimestampMs first_time,
                        TimestampMs min_time, TimestampMs max_time, SampleColumns* out) {
  StreamReader reader(data, size, first_time);
  while (!reader.AtEnd()) {
    reader.Next();
    if (reader.time() > max_time) return;
    if (reader.time() >= min_time) out->Add(reader.time(), reader.value());
  }
}

}  // namespace vigil::head
