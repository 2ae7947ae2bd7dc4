// SPDX-License-Identifier: Apache-2.0
// The open samples of one series: a byte stream that is cheap to append to and about as small as
// the chunk it will become. It lives in memory only, so its format may change freely:
//
//   00..3f           the next 1..64 samples repeat the value and the time step
//   1 t kk nnnn      one sample: t = 1: zigzag varint follows, the change of the time step;
//                    kk = 0  the same value
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
  [[nodiscard]] const uint8_t* data() const { return data_; }
  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  [[nodiscard]] TimestampMs first_time() const { return first_time_; }
  // Both stay valid after Reset(); INT64_MIN before the first sample ever.
  [[nodiscard]] TimestampMs last_time() const { return last_time_; }
  [[nodiscard]] double last_value() const { return last_value_; }

 private:
  void Grow();
  uint8_t* PutValue(uint8_t* control, uint8_t* out, double value);
  uint8_t* PutXor(uint8_t* control, uint8_t* out, double value);

  uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint32_t count_ = 0;
  uint8_t exponent_ = 0;     // of integer_
  uint8_t not_decimal_ = 0;  // how many values in a row were no decimals; kGiveUp: try no more
  bool has_integer_ = false;
  bool last_is_run_ = false;  // the last byte is 00..3f
  TimestampMs first_time_ = 0;
  TimestampMs last_time_ = INT64_MIN;
  int64_t last_step_ = 0;
  double last_value_ = 0;
  int64_t integer_ = 0;  // of the last value that was a decimal
};

// Appends the samples within [min_time, max_time] to *out. `count`: of all samples, when it is
// known; room for them is made once. REQUIRES: bytes of a SampleStream.
void DecodeSampleStream(const uint8_t* data, size_t size, TimestampMs first_time,
                        TimestampMs min_time, TimestampMs max_time, SampleColumns* out,
                        size_t count = 0);

}  // namespace vigil::head
