// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/slot_table.h"

#include <algorithm>
#include <utility>

namespace vigil::alerting {
namespace {

constexpr size_t kFirstSlots = 4;

}  // namespace

size_t SlotTable::Seek(uint64_t fingerprint) const {
  const size_t mask = entries_.size() - 1;
  size_t at = Place(fingerprint);
  while (entries_[at].slot != nullptr && entries_[at].fingerprint != fingerprint) {
    at = (at + 1) & mask;
  }
  return at;
}

const AlertSlotPtr* SlotTable::Find(uint64_t fingerprint) const {
  if (entries_.empty()) return nullptr;
  const Entry& entry = entries_[Seek(fingerprint)];
  return entry.slot == nullptr ? nullptr : &entry.slot;
}

void SlotTable::Put(AlertSlotPtr slot) {
  if ((size_ + 1) * 8 > entries_.size() * 7) Grow();
  Entry& entry = entries_[Seek(slot->fingerprint())];
  if (entry.slot == nullptr) ++size_;
  entry.fingerprint = slot->fingerprint();
  entry.slot = std::move(slot);
}

// Closes the gap: whoever stands behind it and would be found from its place moves up.
bool SlotTable::Erase(uint64_t fingerprint) {
  if (entries_.empty()) return false;
  size_t gap = Seek(fingerprint);
  if (entries_[gap].slot == nullptr) return false;
  const size_t mask = entries_.size() - 1;
  for (size_t at = (gap + 1) & mask; entries_[at].slot != nullptr; at = (at + 1) & mask) {
    const size_t wanted = Place(entries_[at].fingerprint);
    if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
    entries_[gap] = std::move(entries_[at]);
    gap = at;
  }
  entries_[gap] = {};
  --size_;
  return true;
}

void SlotTable::Grow() {
  std::vector<Entry> old(std::max(kFirstSlots, entries_.size() * 2));
  std::swap(old, entries_);
  for (Entry& entry : old) {
    if (entry.slot == nullptr) continue;
    entries_[Seek(entry.fingerprint)] = std::move(entry);
  }
}

}  // namespace vigil::alerting
