// SPDX-License-Identifier: Apache-2.0
// From the text of a report to the alert that was reported by the same text last: a flat table, so
// that a look-up costs one cache line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/alerting/alert_slot.h"

namespace vigil::alerting {

// A slot that has a text must take it back (Set with an empty one) before it goes.
// Threads: one at a time.
class KnownTexts {
 public:
  // Null when nobody was reported by it last. Valid as long as the slot.
  [[nodiscard]] AlertSlot* Find(const TextKey& text) const;
  // Find for it comes soon.
  void Prefetch(const TextKey& text) const {
    if (!entries_.empty()) __builtin_prefetch(&entries_[Place(text.low)]);
  }
  // The slot was reported by this text; empty: by none.
  void Set(AlertSlot* slot, const TextKey& text);

  [[nodiscard]] size_t size() const { return size_; }

 private:
  struct Entry {
    uint64_t low = 0;  // of its text
    AlertSlot* slot = nullptr;
  };

  [[nodiscard]] size_t Place(uint64_t low) const { return low & (entries_.size() - 1); }
  void Add(Entry entry);
  void Remove(const AlertSlot* slot);
  void Grow();

  size_t size_ = 0;
  std::vector<Entry> entries_;  // a power of two, at most 7/8 full; linear probing
};

}  // namespace vigil::alerting
