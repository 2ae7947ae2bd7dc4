// SPDX-License-Identifier: Apache-2.0
// Slots of alerts by their fingerprints: a flat table, so that a look-up costs one cache line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/alerting/alert_slot.h"

namespace vigil::alerting {

// Threads: one at a time.
class SlotTable {
 public:
  // Null when there is none. Valid until the next change.
  [[nodiscard]] const AlertSlotPtr* Find(uint64_t fingerprint) const;
  // In place of another one with its fingerprint.
  void Put(AlertSlotPtr slot);
  // False when there is none.
  bool Erase(uint64_t fingerprint);
  // Calls each(const AlertSlotPtr&) in no order. It must not change the table.
  template <typename F>
  void ForEach(F&& each) const {
    for (const Entry& entry : entries_) {
      if (entry.slot != nullptr) each(entry.slot);
    }
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    AlertSlotPtr slot;  // null: empty
  };

  // Fingerprints are spread in their high bits best.
  [[nodiscard]] size_t Place(uint64_t fingerprint) const {
    return static_cast<size_t>(fingerprint * 0x9e3779b97f4a7c15ULL >> 32) & (entries_.size() - 1);
  }
  // Where it is, or the gap where it belongs. REQUIRES: there is one.
  [[nodiscard]] size_t Seek(uint64_t fingerprint) const;
  void Grow();

  size_t size_ = 0;
  std::vector<Entry> entries_;  // a power of two, at most 7/8 full; linear probing
};

}  // namespace vigil::alerting
