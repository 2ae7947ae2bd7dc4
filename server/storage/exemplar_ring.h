// SPDX-License-Identifier: Apache-2.0
// The newest exemplars of all series, a bounded number of them: a new one takes the place of the
// oldest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "server/storage/exemplars.h"

namespace vigil::storage {

enum class ExemplarVerdict : uint8_t {
  kAdded,
  kDuplicate,   // the newest of its series came again
  kOutOfOrder,  // older than the newest of its series
  kTooLong,     // its labels have more than 128 characters
  kOff,         // none are kept
};

// Threads: one at a time.
class ExemplarRing {
 public:
  explicit ExemplarRing(size_t capacity) : capacity_(capacity) {}

  ExemplarVerdict Add(SeriesRef ref, const Exemplar& exemplar);
  // Keeps the newest.
  void Resize(size_t capacity);
  // Those of one series within [start, end], by time.
  [[nodiscard]] std::vector<Exemplar> Of(SeriesRef ref, TimestampMs start, TimestampMs end) const;

  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] size_t size() const { return slots_.size(); }
  [[nodiscard]] size_t series() const { return series_.size(); }
  // Of the oldest one kept; 0 when there is none.
  [[nodiscard]] TimestampMs oldest_time() const;

 private:
  static constexpr size_t kNone = SIZE_MAX;

  struct Slot {
    SeriesRef ref = 0;
    Exemplar exemplar;
    size_t newer = kNone;  // the next one of the series
  };
  struct Ends {
    size_t oldest = kNone;
    size_t newest = kNone;
  };

  size_t Place();

  size_t capacity_;
  size_t next_ = 0;  // the slot to write when all are in use: the oldest
  std::vector<Slot> slots_;
  std::unordered_map<SeriesRef, Ends> series_;
};

}  // namespace vigil::storage
