// SPDX-License-Identifier: Apache-2.0
#include "server/head/sample_stream.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/chunks/bytes.h"

namespace vigil::head {
namespace {

using chunks::SignedBytes;
using chunks::WrapAdd;
using chunks::WrapSub;

constexpr uint8_t kSample = 0x80;
constexpr uint8_t kMark = 0x81;
constexpr uint8_t kStepChanges = 0x40;
constexpr uint8_t kChangesRun = 0x40;  // below kSample
constexpr uint8_t kInteger = 0x10;
constexpr uint8_t kXor = 0x20;
constexpr uint8_t kNumber = 0x30;
constexpr uint8_t kKind = 0x30;
constexpr uint8_t kMaxRun = 0x3f;  // stands for one more
constexpr size_t kRunRoom = kMaxRun + 1;
// After so many values that are no decimals, a stream is taken for noise.
constexpr uint8_t kGiveUp = 4;
// After so many changes that are narrower than those before, the run is left for a narrower one.
constexpr uint8_t kMaxNarrow = 16;
// A mark takes about twenty bytes; who wants few samples decodes what is behind it.
constexpr uint32_t kMarkEvery = 512;

constexpr uint32_t kMaxSampleBytes =
    1 + chunks::kMaxVarintBytes + chunks::kMaxNumberBytes + kStreamSlack;
constexpr uint32_t kMarkHeadBytes = sizeof(uint32_t) + sizeof(TimestampMs);
constexpr uint32_t kFirstCapacity = 56;  // what malloc gives for 64 bytes
static_assert(kStreamSlack >= chunks::kSlack);

}  // namespace

SampleStream::~SampleStream() { std::free(data_); }

void SampleStream::Grow(uint32_t room) {
  const uint32_t wanted = std::max<uint32_t>(capacity_ + capacity_ / 2, size_ + room);
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
  size_ = capacity_ = count_ = mark_ = 0;
  exponent_ = kNoExponent;
  not_decimal_ = width_ = narrow_ = run_ = 0;
  integer_ = 0;
  last_step_ = 0;
}

size_t SampleStream::Append(TimestampMs timestamp, double value) {
  const int64_t step = count_ == 0 ? 0 : WrapSub(timestamp, last_time_);
  const bool same_value = count_ > 0 && SameBits(value, last_value_);
  const bool repeats = same_value && step == last_step_;
  if (repeats && run_ == kRepeats && data_[size_ - 1] < kMaxRun) {
    ++data_[size_ - 1];
    last_time_ = timestamp;
    ++count_;
    return 0;
  }
  if (step == last_step_ && !same_value && GoOnWithRun(value)) {
    last_time_ = timestamp;
    last_value_ = value;
    ++count_;
    return 0;
  }
  const uint32_t capacity = capacity_;
  const bool marks = size_ - mark_ >= kMarkEvery;
  const uint32_t room = kMaxSampleBytes + (marks ? kMarkHeadBytes : 0);
  if (size_ + room > capacity_) Grow(room);
  uint8_t* out = data_ + size_;
  if (marks) {
    out = PutMark(out, timestamp, step, value);
  } else if (repeats) {
    EndRun();
    *out++ = 0;
    run_ = kRepeats;
  } else {
    out = PutSample(out, step, value, same_value);
  }
  if (count_ == 0) first_time_ = timestamp;
  size_ = static_cast<uint32_t>(out - data_);
  last_step_ = step;
  last_time_ = timestamp;
  last_value_ = value;
  ++count_;
  return capacity_ - capacity;
}

// The quick way for what most samples are: one more change in the run that ends the stream.
bool SampleStream::GoOnWithRun(double value) {
  if (run_ == 0 || run_ >= kLongestRun) return false;
  if (size_ + sizeof(uint64_t) + kStreamSlack > capacity_ || size_ - mark_ >= kMarkEvery) {
    return false;
  }
  int64_t integer = 0;
  if (exponent_ == 0) {
    if (!(std::fabs(value) < chunks::kExactLimit)) return false;
    integer = static_cast<int64_t>(value);
    if (static_cast<double>(integer) != value || (integer == 0 && std::signbit(value)))
      return false;
  } else if (!chunks::ToDecimalWith(value, exponent_, &integer)) {
    return false;
  }
  const int64_t change = integer - integer_;
  if (!FitsRun(SignedBytes(change))) return false;
  integer_ = integer;
  ++run_;
  chunks::PutWord(data_ + size_, static_cast<uint64_t>(change), width_);
  size_ += width_;
  return true;
}

// With the exponent of the integer before, where that is possible.
bool SampleStream::FindDecimal(double value, chunks::Decimal* decimal) {
  if (not_decimal_ >= kGiveUp) return false;
  if (exponent_ != kNoExponent && exponent_ > 0 &&
      chunks::ToDecimalWith(value, exponent_, &decimal->mantissa)) {
    decimal->exponent = exponent_;
  } else if (!chunks::ToDecimal(value, decimal)) {
    ++not_decimal_;
    return false;
  }
  not_decimal_ = 0;
  return true;
}

// Whether a change of so many bytes may take the width of the run: at most one byte is wasted,
// which a control byte would take as well.
bool SampleStream::FitsRun(unsigned width) {
  const unsigned wasted = width_ - width;
  if (width_ == 0 || wasted > 1) return false;
  // Without a branch, which nobody can foresee.
  narrow_ = static_cast<uint8_t>((narrow_ + 1U) * wasted);
  return narrow_ <= kMaxNarrow;
}

uint8_t* SampleStream::PutSample(uint8_t* at, int64_t step, double value, bool same_value) {
  EndRun();
  uint8_t* out = at + 1;
  uint8_t control = kSample;
  if (step != last_step_) {
    control |= kStepChanges;
    out = chunks::PutZigZag(out, WrapSub(step, last_step_));
  }
  run_ = 0;
  const bool had_number = exponent_ != kNoExponent;
  chunks::Decimal decimal;
  if (same_value) {
    *at = control;
  } else if (FindDecimal(value, &decimal)) {
    const int64_t change = decimal.mantissa - integer_;
    const bool is_change = decimal.exponent == exponent_;
    integer_ = decimal.mantissa;
    exponent_ = static_cast<uint8_t>(decimal.exponent);
    if (is_change) return PutChange(at, control, out, change);
    *at = control | kNumber;
    out = chunks::PutDecimal(out, decimal.mantissa, decimal.exponent);
  } else if (had_number || not_decimal_ >= kGiveUp) {
    *at = control;
    out = PutXor(at, out, value);
  } else {
    *at = control | kNumber;
    out = chunks::PutRaw(out, value);
  }
  return out;
}

// Begins a run where the change has the width for it.
uint8_t* SampleStream::PutChange(uint8_t* at, uint8_t control, uint8_t* out, int64_t change) {
  const unsigned width = SignedBytes(change);
  const auto word = static_cast<uint64_t>(change);
  if (control == kSample && FitsRun(width)) {
    *at = kChanges;
    run_ = 1;
    return chunks::PutWord(out, word, width_);
  }
  *at = static_cast<uint8_t>(control | kInteger | width);
  width_ = static_cast<uint8_t>(width);
  narrow_ = 0;
  return chunks::PutWord(out, word, width);
}

uint8_t* SampleStream::PutXor(uint8_t* control, uint8_t* out, double value) const {
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

uint8_t* SampleStream::PutMark(uint8_t* out, TimestampMs timestamp, int64_t step, double value) {
  EndRun();
  *out++ = kMark;
  const uint32_t back = size_ - mark_;
  std::memcpy(out, &back, sizeof(back));
  std::memcpy(out + sizeof(back), &timestamp, sizeof(timestamp));
  out = chunks::PutZigZag(out + kMarkHeadBytes, step);
  mark_ = size_;
  width_ = run_ = 0;
  chunks::Decimal decimal;
  if (!FindDecimal(value, &decimal)) {
    exponent_ = kNoExponent;
    integer_ = 0;
    return chunks::PutRaw(out, value);
  }
  integer_ = decimal.mantissa;
  exponent_ = static_cast<uint8_t>(decimal.exponent);
  return chunks::PutDecimal(out, decimal.mantissa, decimal.exponent);
}

namespace {

// Where a reader of a stream stands.
struct StreamState {
  const uint8_t* next = nullptr;
  TimestampMs time = 0;
  int64_t step = 0;
  double value = 0;
  int64_t integer = 0;
  double power = 1;
  unsigned width = 0;
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

inline const uint8_t* AddStepChange(const uint8_t* next, int64_t* step) {
  uint64_t change = 0;
  unsigned shift = 0;
  for (; *next >= 0x80; shift += 7) change |= uint64_t{*next++ & 0x7fU} << shift;
  change |= uint64_t{*next++} << shift;
  *step = WrapAdd(*step, chunks::UnZigZag(change));
  return next;
}

TimestampMs TimeOfMark(const uint8_t* mark) {
  TimestampMs time = 0;
  std::memcpy(&time, mark + 1 + sizeof(uint32_t), sizeof(time));
  return time;
}

// The rare kinds of control bytes, out of line so that the rest keeps its registers.
__attribute__((noinline)) StreamState WithNumber(StreamState s, uint8_t control) {
  if (control == kMark) {
    s = {.next = s.next + kMarkHeadBytes, .time = TimeOfMark(s.next - 1)};
    s.next = AddStepChange(s.next, &s.step);
  }
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

inline double Xored(double value, uint64_t word, unsigned n) {
  const uint64_t change = n < 8 ? word << (8 * n) >> (8 * n) : word << (8 * n - 64);
  return std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ change);
}

// The values of a run of changes of kWidth bytes; returns the last integer.
template <unsigned kWidth>
int64_t AddChanges(const uint8_t* next, size_t count, int64_t integer, double power,
                   double* values) {
  if (power == 1) {
    for (size_t i = 0; i < count; ++i, next += kWidth) {
      integer += SignExtended(chunks::LoadWord(next), kWidth);
      values[i] = static_cast<double>(integer);
    }
    return integer;
  }
  for (size_t i = 0; i < count; ++i, next += kWidth) {
    integer += SignExtended(chunks::LoadWord(next), kWidth);
    values[i] = static_cast<double>(integer) / power;
  }
  return integer;
}

int64_t AddChanges(unsigned width, const uint8_t* next, size_t count, int64_t integer, double power,
                   double* values) {
  switch (width) {
    case 1:
      return AddChanges<1>(next, count, integer, power, values);
    case 2:
      return AddChanges<2>(next, count, integer, power, values);
    case 3:
      return AddChanges<3>(next, count, integer, power, values);
    case 4:
      return AddChanges<4>(next, count, integer, power, values);
    case 5:
      return AddChanges<5>(next, count, integer, power, values);
    case 6:
      return AddChanges<6>(next, count, integer, power, values);
    case 7:
      return AddChanges<7>(next, count, integer, power, values);
    default:
      CHECK(width == 8);
      return AddChanges<8>(next, count, integer, power, values);
  }
}

// Compilers leave the loop scalar at the usual level of optimisation unless told so.
using TwoTimes = uint64_t __attribute__((vector_size(16)));

// Times of samples one step after the other, of the last run all; returns the last that counts.
TimestampMs PutTimes(TimestampMs before, int64_t step, size_t count, TimestampMs* times) {
  const auto start = static_cast<uint64_t>(before);
  const auto rise = static_cast<uint64_t>(step);
  TwoTimes two = {start + rise, start + 2 * rise};
  const TwoTimes rises = {2 * rise, 2 * rise};
  for (size_t i = 0; i < count; i += 2, two += rises) std::memcpy(times + i, &two, sizeof(two));
  return times[count - 1];
}

// Of samples that were just written those within the span stay; returns how many.
size_t KeepWithin(const WantedTimes& span, size_t count, TimestampMs* times, double* values) {
  if (times[0] >= span.min && times[count - 1] <= span.max) return count;
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (times[i] < span.min || times[i] > span.max) continue;
    times[kept] = times[i];
    values[kept++] = values[i];
  }
  return kept;
}

// Reads until the bytes end, the columns are full, or the times are behind the span. No read needs
// a check: there are bytes enough behind the end. Everything is in variables of its own: in a
// struct it would live in memory, which takes as long as all the rest.
StreamState ReadOn(const StreamState& from, const uint8_t* end, const WantedTimes& span,
                   ColumnTail* out) {
  const uint8_t* next = from.next;
  TimestampMs time = from.time;
  int64_t step = from.step;
  int64_t integer = from.integer;
  double value = from.value;
  double power = from.power;
  unsigned width = from.width;
  TimestampMs* times = out->times();
  double* values = out->values();
  const TimestampMs* const full = times + (out->room() < kRunRoom ? 0 : out->room() - kMaxRun);
  while (next < end && times < full && time <= span.max) {
    const uint8_t control = *next++;
    size_t count = 1;
    if (control < kSample) {
      count += control & kMaxRun;
      time = PutTimes(time, step, count, times);
      if (control < kChangesRun) {
        std::fill_n(values, count, value);
      } else {
        integer = AddChanges(width, next, count, integer, power, values);
        next += width * count;
        value = values[count - 1];
      }
    } else {
      if ((control & kStepChanges) != 0) next = AddStepChange(next, &step);
      time = WrapAdd(time, step);
      const unsigned n = control & 15;
      const uint64_t word = chunks::LoadWord(next);
      if ((control & kKind) == kInteger) {
        next += n;
        width = n;
        integer += SignExtended(word, n);
        value = power == 1 ? static_cast<double>(integer) : static_cast<double>(integer) / power;
      } else if ((control & kKind) == kXor) {
        next += n < 8 ? 8 - n : 16 - n;
        value = Xored(value, word, n);
      } else if ((control & ~kStepChanges) != kSample) {  // a mark or a number
        const StreamState s = WithNumber({next, time, step, value, integer, power, width}, control);
        next = s.next;
        time = s.time;
        step = s.step;
        value = s.value;
        integer = s.integer;
        power = s.power;
        width = s.width;
      }
      *times = time;
      *values = value;
    }
    const size_t kept = KeepWithin(span, count, times, values);
    times += kept;
    values += kept;
  }
  out->Added(static_cast<size_t>(times - out->times()));
  return {next, time, step, value, integer, power, width};
}

}  // namespace

StreamPart FindStreamPart(const uint8_t* data, size_t size, uint32_t mark, TimestampMs min_time,
                          TimestampMs max_time) {
  StreamPart part{mark, size};
  while (part.begin > 0 && TimeOfMark(data + part.begin) > min_time) {
    if (TimeOfMark(data + part.begin) > max_time) part.end = part.begin;
    uint32_t back = 0;
    std::memcpy(&back, data + part.begin + 1, sizeof(back));
    part.begin -= back;
  }
  return part;
}

void DecodeSampleStream(const uint8_t* data, size_t size, TimestampMs first_time,
                        TimestampMs min_time, TimestampMs max_time, SampleColumns* out,
                        size_t count) {
  const uint8_t* const end = data + size;
  const WantedTimes span{min_time, max_time};
  StreamState state{.next = data, .time = first_time};
  ColumnTail columns(out, (count > 0 ? count : size / 2) + kRunRoom);
  while (state.next < end && state.time <= max_time) {
    if (columns.room() < kRunRoom) columns.MakeRoom(size / 4 + kRunRoom);
    state = ReadOn(state, end, span, &columns);
  }
  CHECK(state.next == end || state.time > max_time);
}

}  // namespace vigil::head
