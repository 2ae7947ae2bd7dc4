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

// Where a reader of a stream stands.
struct StreamState {
  const uint8_t* next = nullptr;
  unsigned run = 0;  // samples left that repeat
  TimestampMs time = 0;
  int64_t step = 0;
  double value = 0;
  int64_t integer = 0;
  double power = 1;
};

// Reads a stream sample by sample; its own bytes are trusted, the ends are checked all the same.
class StreamReader {
 public:
  StreamReader(const StreamState& state, const uint8_t* end)
      : reader_(std::string_view(reinterpret_cast<const char*>(state.next),
                                 static_cast<size_t>(end - state.next))),
        state_(state) {}

  [[nodiscard]] bool AtEnd() const { return state_.run == 0 && reader_.AtEnd(); }
  [[nodiscard]] TimestampMs time() const { return state_.time; }
  [[nodiscard]] double value() const { return state_.value; }

  void Next() {
    if (state_.run == 0) {
      uint8_t control = 0;
      Check(reader_.Byte(&control));
      if (control >= kSample) {
        ReadSample(control);
        return;
      }
      state_.run = control + 1U;
    }
    --state_.run;
    state_.time = WrapAdd(state_.time, state_.step);
  }

 private:
  static void Check(bool good) { CHECK(good); }

  void ReadSample(uint8_t control) {
    if ((control & kStepChanges) != 0) {
      int64_t change = 0;
      Check(reader_.ZigZagVarint(&change));
      state_.step = WrapAdd(state_.step, change);
    }
    state_.time = WrapAdd(state_.time, state_.step);
    const unsigned n = control & 15;
    uint64_t word = 0;
    switch (control & 0x30) {
      case kSameValue:
        return;
      case kInteger: {
        Check(reader_.Word(n, &word));
        const unsigned shift = 64 - 8 * n;
        state_.integer += n == 0 ? 0 : static_cast<int64_t>(word << shift) >> shift;
        state_.value = static_cast<double>(state_.integer) / state_.power;
        return;
      }
      case kXor:
        Check(reader_.Word(n < 8 ? 8 - n : 16 - n, &word));
        if (n >= 8) word <<= 8 * (n - 8);
        state_.value = std::bit_cast<double>(std::bit_cast<uint64_t>(state_.value) ^ word);
        return;
      default:
        break;
    }
    chunks::Number number;
    Check(reader_.Byte(&control) && reader_.NumberAfter(control, &number));
    state_.value = number.value;
    if (!number.decimal) return;
    state_.integer = number.mantissa;
    state_.power = chunks::kPowersOfTen[control >> 4];
  }

  chunks::ByteReader reader_;
  StreamState state_;
};

// Room behind the columns, written without a check per value.
class ColumnTail {
 public:
  ColumnTail(SampleColumns* out, size_t expected) : out_(out), size_(out->timestamps.size()) {
    MakeRoom(expected);
  }
  ~ColumnTail() {
    out_->timestamps.resize(size_);
    out_->values.resize(size_);
  }
  ColumnTail(const ColumnTail&) = delete;
  ColumnTail& operator=(const ColumnTail&) = delete;

  void MakeRoom(size_t count) {
    if (size_ + count <= out_->timestamps.size()) return;
    const size_t size = std::max(size_ + count, size_ + size_ / 2);
    out_->timestamps.resize(size);
    out_->values.resize(size);
  }
  // REQUIRES: room.
  void Put(TimestampMs time, double value) {
    out_->timestamps[size_] = time;
    out_->values[size_] = value;
    ++size_;
  }
  [[nodiscard]] TimestampMs* times() { return out_->timestamps.data() + size_; }
  [[nodiscard]] double* values() { return out_->values.data() + size_; }
  [[nodiscard]] size_t room() const { return out_->timestamps.size() - size_; }
  void Added(size_t count) { size_ += count; }

 private:
  SampleColumns* out_;
  size_t size_;
};

struct WantedTimes {
  TimestampMs min;
  TimestampMs max;
};

int64_t SignExtended(uint64_t word, unsigned bytes) {
  const unsigned shift = 64 - 8 * bytes;
  return bytes == 0 ? 0 : static_cast<int64_t>(word << shift) >> shift;
}

// The rare kind of value, out of line so that the rest keeps its registers.
__attribute__((noinline)) StreamState WithNumber(StreamState s) {
  chunks::ByteReader reader({reinterpret_cast<const char*>(s.next), chunks::kMaxNumberBytes});
  chunks::Number number;
  const uint8_t kind = *s.next;
  CHECK(reader.ReadNumber(&number));
  s.next += chunks::kMaxNumberBytes - reader.left();
  s.value = number.value;
  if (!number.decimal) return s;
  s.integer = number.mantissa;
  s.power = chunks::kPowersOfTen[kind >> 4];
  return s;
}

inline const uint8_t* AddStepChange(const uint8_t* next, int64_t* step) {
  uint64_t change = 0;
  unsigned shift = 0;
  for (; *next >= 0x80; shift += 7) change |= uint64_t{*next++ & 0x7fU} << shift;
  change |= uint64_t{*next++} << shift;
  *step = WrapAdd(*step, chunks::UnZigZag(change));
  return next;
}

inline double Xored(double value, uint64_t word, unsigned n) {
  const uint64_t change = n < 8 ? word << (8 * n) >> (8 * n) : word << (8 * n - 64);
  return std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ change);
}

// The quick reader, for bytes with so many behind them that no read needs a check. Stops where the
// bytes reach `end`, the columns are full, or the times are behind the span. Everything is in
// variables of its own: in a struct it would live in memory, which takes as long as all the rest.
StreamState ReadQuickly(const StreamState& from, const uint8_t* end, const WantedTimes& span,
                        ColumnTail* out) {
  const uint8_t* next = from.next;
  TimestampMs time = from.time;
  int64_t step = from.step;
  int64_t integer = from.integer;
  double value = from.value;
  double power = from.power;
  TimestampMs* const times = out->times();
  double* const values = out->values();
  const size_t room = out->room() < kMaxRun ? 0 : out->room() - kMaxRun;
  size_t count = 0;
  while (next < end && count < room && time <= span.max) {
    const uint8_t control = *next++;
    for (unsigned i = control; i < kSample; --i) {  // repeats; runs out below zero
      time = WrapAdd(time, step);
      times[count] = time;
      values[count] = value;
      count += time >= span.min && time <= span.max ? 1 : 0;
    }
    if (control < kSample) continue;
    if ((control & kStepChanges) != 0) next = AddStepChange(next, &step);
    time = WrapAdd(time, step);
    const unsigned n = control & 15;
    const uint64_t word = chunks::LoadWord(next);
    if ((control & 0x30) == kInteger) {
      next += n;
      integer += SignExtended(word, n);
      value = power == 1 ? static_cast<double>(integer) : static_cast<double>(integer) / power;
    } else if ((control & 0x30) == kXor) {
      next += n < 8 ? 8 - n : 16 - n;
      value = Xored(value, word, n);
    } else if ((control & 0x30) == kNumber) {
      const StreamState s = WithNumber({next, 0, time, step, value, integer, power});
      next = s.next;
      value = s.value;
      integer = s.integer;
      power = s.power;
    }
    // Written over by the next one when it does not count.
    times[count] = time;
    values[count] = value;
    count += time >= span.min && time <= span.max ? 1 : 0;
  }
  out->Added(count);
  return {next, 0, time, step, value, integer, power};
}

}  // namespace

void DecodeSampleStream(const uint8_t* data, size_t size, TimestampMs first_time,
                        TimestampMs min_time, TimestampMs max_time, SampleColumns* out,
                        size_t count) {
  const uint8_t* const end = data + size;
  const WantedTimes span{min_time, max_time};
  StreamState state{.next = data, .time = first_time};
  ColumnTail columns(out, (count > 0 ? count : size / 2) + kMaxRun + 1);
  const uint8_t* const quick_end = size < kMaxSampleBytes ? data : end - kMaxSampleBytes;
  while (state.next < quick_end && state.time <= max_time) {
    if (columns.room() <= kMaxRun) columns.MakeRoom(size / 4 + kMaxRun + 1);
    state = ReadQuickly(state, quick_end, span, &columns);
  }
  StreamReader last(state, end);
  while (!last.AtEnd()) {
    last.Next();
    if (last.time() > max_time) return;
    if (last.time() < min_time) continue;
    columns.MakeRoom(1);
    columns.Put(last.time(), last.value());
  }
}

}  // namespace vigil::head
