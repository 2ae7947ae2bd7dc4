// SPDX-License-Identifier: Apache-2.0
// The open histograms of one series: a byte stream that is cheap to append to and about as small
// as the chunk it will become. It lives in memory only, so its format may change freely: for each
// sample a zigzag varint, the change of the time step, then a record (histogram_record.h) of one
// histogram. The time of the first sample is kept beside the stream; the time step starts with 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/histogram.h"
#include "server/chunks/histogram_record.h"

namespace vigil::chunks {

// Threads: one at a time.
class HistogramStream {
 public:
  // REQUIRES: timestamp above that of the sample before, IsWellFormed(*histogram). Returns by how
  // much the capacity grew.
  size_t Append(TimestampMs timestamp, HistogramPtr histogram);
  // Forgets the samples and frees the buffer. last_time() and last() stay.
  void Reset();
  // Frees the room that is not used.
  void Shrink() { data_.shrink_to_fit(); }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] std::string_view data() const { return data_; }
  [[nodiscard]] size_t capacity() const { return data_.capacity(); }
  [[nodiscard]] TimestampMs first_time() const { return first_time_; }
  // INT64_MIN and null before the first sample ever.
  [[nodiscard]] TimestampMs last_time() const { return last_time_; }
  [[nodiscard]] const HistogramPtr& last() const { return last_; }

 private:
  std::string data_;
  HistogramPtr last_;
  uint32_t count_ = 0;
  TimestampMs first_time_ = 0;
  TimestampMs last_time_ = INT64_MIN;
  int64_t last_step_ = 0;
};

// Appends the samples within [min_time, max_time] to *out. False when the bytes are not those of a
// HistogramStream; *out is then as before.
bool DecodeHistogramStream(std::string_view data, TimestampMs first_time, TimestampMs min_time,
                           TimestampMs max_time, std::vector<HistogramSample>* out);

}  // namespace vigil::chunks
