// SPDX-License-Identifier: Apache-2.0
// The open samples of one series: a byte stream that is cheap to append to and about as small as
// the chunk it will become. It lives in memory only, so its format may change freely:
//
//   00..3f           the next 1..64 samples repeat the value and the time step
//   40..7f           the next 1..64 samples repeat the time step; for each of them follows by how
//                    much the integer changed, in as many bytes as the last change under kk = 1
//   81               a mark, from which on the stream can be read, and one sample: 4 bytes, how far
//                    back the mark before is (or the beginning); 8 bytes, the time; zigzag varint,
//                    the time step; a number as under kk = 3
//   1 t kk nnnn      one sample: t = 1: zigzag varint follows, the change of the time step;
//                    kk = 0  the same value (nnnn = 0)
//                    kk = 1  the integer of the value (value * 10^exponent) changed by a two's
//                            complement integer of n bytes
//                    kk = 2  XOR with the value before: n < 8: its low 8 - n bytes; n >= 8: its
//                            high 16 - n bytes
//                    kk = 3  a number (server/chunks/chunk.h); a decimal sets integer and exponent
// The time of the first sample is kept beside the stream; the time step starts with 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "client-lib/model/sample.h"
#include "server/chunks/decimal.h"

namespace vigil::head {

// Grows by realloc and gives its bytes up when it is sealed.
// Threads: one at a time.
class SampleStream {
 public:
  SampleStream() = default;
  ~SampleStream();
  SampleStream(const SampleStream&) = delete;
  SampleStream& operator=(const SampleStream&) = delete;

  // REQUIRES: timestamp above that of the sample before. Returns by how much the buffer grew.
  size_t Append(TimestampMs timestamp, double value);
  // Forgets the samples and frees the buffer.
  void Reset();

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] const uint8_t* data() const {
    EndRun();
    return data_;
  }
  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  // Where the newest mark is, 0 before the first one.
  [[nodiscard]] uint32_t mark() const { return mark_; }
  [[nodiscard]] TimestampMs first_time() const { return first_time_; }
  // Both stay valid after Reset(); INT64_MIN before the first sample ever.
  [[nodiscard]] TimestampMs last_time() const { return last_time_; }
  [[nodiscard]] double last_value() const { return last_value_; }

 private:
  void Grow(uint32_t room);
  bool FindDecimal(double value, chunks::Decimal* decimal);
  [[nodiscard]] bool FitsRun(unsigned width);
  uint8_t* PutSample(uint8_t* at, int64_t step, double value, bool same_value);
  bool GoOnWithRun(double value);
  uint8_t* PutChange(uint8_t* at, uint8_t control, uint8_t* out, int64_t change);
  // How long a run is, its first byte is told once it is known: that byte may be far from the end,
  // where all others are written.
  void EndRun() const {
    if (run_ == 0 || run_ == kRepeats) return;
    data_[size_ - 1 - uint32_t{run_} * width_] = static_cast<uint8_t>(kChanges + run_ - 1);
  }
  uint8_t* PutXor(uint8_t* control, uint8_t* out, double value) const;
  uint8_t* PutMark(uint8_t* out, TimestampMs timestamp, int64_t step, double value);

  static constexpr uint8_t kNoExponent = 0xff;
  static constexpr uint8_t kRepeats = 0xff;
  static constexpr uint8_t kChanges = 0x40;
  static constexpr uint8_t kLongestRun = 64;

  uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint32_t count_ = 0;
  uint32_t mark_ = 0;
  TimestampMs first_time_ = 0;
  TimestampMs last_time_ = INT64_MIN;
  int64_t last_step_ = 0;
  double last_value_ = 0;
  int64_t integer_ = 0;             // of the last value that was a decimal
  uint8_t exponent_ = kNoExponent;  // of integer_, when there is one
  uint8_t not_decimal_ = 0;  // how many values in a row were no decimals; kGiveUp: try no more
  uint8_t width_ = 0;        // of the last change under kk = 1; 0: no run of changes may follow
  uint8_t narrow_ = 0;       // so many changes in a row had no need of all of it
  uint8_t run_ = 0;          // samples in the run of changes that ends the stream; or kRepeats
};

// Readers may look so far behind the bytes; a stream has as much room.
inline constexpr size_t kStreamSlack = 16;

// The bytes [begin, end) of a stream; what of it is before a mark is not needed to read them.
struct StreamPart {
  size_t begin;
  size_t end;
};
// A part that has all samples within [min_time, max_time]. REQUIRES: `mark` of all of the stream.
StreamPart FindStreamPart(const uint8_t* data, size_t size, uint32_t mark, TimestampMs min_time,
                          TimestampMs max_time);

// Appends the samples within [min_time, max_time] to *out. `count`: of all samples, when it is
// known; room for them is made once.
// REQUIRES: bytes of a SampleStream or a part of one, with kStreamSlack behind them.
void DecodeSampleStream(const uint8_t* data, size_t size, TimestampMs first_time,
                        TimestampMs min_time, TimestampMs max_time, SampleColumns* out,
                        size_t count = 0);

}  // namespace vigil::head
