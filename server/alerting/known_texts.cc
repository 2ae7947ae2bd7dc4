// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/known_texts.h"

#include <algorithm>
#include <utility>

namespace vigil::alerting {
namespace {

constexpr size_t kFirstTexts = 64;

}  // namespace

AlertSlot* KnownTexts::Find(const TextKey& text) const {
  if (entries_.empty() || text.empty()) return nullptr;
  for (size_t at = Place(text.low); entries_[at].slot != nullptr; at = Place(at + 1)) {
    if (entries_[at].low == text.low && entries_[at].slot->text == text) return entries_[at].slot;
  }
  return nullptr;
}

void KnownTexts::Set(AlertSlot* slot, const TextKey& text) {
  if (slot->text == text) return;
  if (!slot->text.empty()) Remove(slot);
  slot->text = text;
  if (text.empty()) return;
  if ((size_ + 1) * 8 > entries_.size() * 7) Grow();
  Add({text.low, slot});
  ++size_;
}

void KnownTexts::Add(Entry entry) {
  size_t at = Place(entry.low);
  while (entries_[at].slot != nullptr) at = Place(at + 1);
  entries_[at] = entry;
}

// Closes the gap: whoever stands behind it and would be found from its place moves up.
void KnownTexts::Remove(const AlertSlot* slot) {
  size_t gap = Place(slot->text.low);
  while (entries_[gap].slot != slot) gap = Place(gap + 1);
  const size_t mask = entries_.size() - 1;
  for (size_t at = Place(gap + 1); entries_[at].slot != nullptr; at = Place(at + 1)) {
    const size_t wanted = Place(entries_[at].low);
    if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
    entries_[gap] = entries_[at];
    gap = at;
  }
  entries_[gap] = {};
  --size_;
}

void KnownTexts::Grow() {
  std::vector<Entry> old(std::max(kFirstTexts, entries_.size() * 2));
  std::swap(old, entries_);
  for (const Entry& entry : old) {
    if (entry.slot != nullptr) Add(entry);
  }
}

}  // namespace vigil::alerting
