// SPDX-License-Identifier: Apache-2.0
// Encodes the timestamps of a chunk.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "server/chunks/chunk.h"

namespace vigil::chunks {

// Threads: owner thread only.
class TimeEncoder {
 public:
  // Chooses the encoding. REQUIRES: times strictly rising, not empty.
  TimeEncoding Plan(std::span<const TimestampMs> times);
  // Bytes that Write() needs at most.
  [[nodiscard]] size_t size() const { return size_; }
  // Writes the planned column; the room must be zero, with kSlack behind it.
  uint8_t* Write(uint8_t* out) const;

 private:
  void PlanPacked();
  void PlanRuns();

  std::vector<int64_t> dods_;  // differences of the deltas, wrapping
  TimeEncoding encoding_ = TimeEncoding::kRegular;
  size_t count_ = 0;
  uint64_t first_delta_ = 0;
  int64_t base_ = 0;
  unsigned bits_ = 0;
  size_t runs_size_ = 0;
  size_t packed_size_ = 0;
  size_t size_ = 0;
};

}  // namespace vigil::chunks
