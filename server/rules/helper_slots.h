// SPDX-License-Identifier: Apache-2.0
// How many threads may help to evaluate rules, of all groups together.
#pragma once

#include <atomic>
#include <cstddef>

namespace vigil::rules {

// Nobody waits for a slot: who gets none goes on alone.
// Threads: any.
class HelperSlots {
 public:
  explicit HelperSlots(size_t slots) : free_(slots) {}

  [[nodiscard]] bool TryTake() {
    size_t free = free_;
    while (free > 0) {
      if (free_.compare_exchange_weak(free, free - 1)) return true;
    }
    return false;
  }
  // REQUIRES: TryTake() was true.
  void Give() { ++free_; }
  [[nodiscard]] size_t free() const { return free_; }

 private:
  std::atomic<size_t> free_;
};

}  // namespace vigil::rules
