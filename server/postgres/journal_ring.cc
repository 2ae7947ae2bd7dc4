// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/journal_ring.h"

#include <algorithm>

namespace vigil::postgres {

using storage::JournalPosition;

std::string JournalTableName(int slot) { return "vigil.journal_" + std::to_string(slot); }

void JournalRing::Restore(const std::array<JournalPosition, kJournalTables>& newest) {
  MutexLock lock(mutex_);
  newest_ = newest;
  const auto top = std::max_element(newest_.begin(), newest_.end());
  current_ = static_cast<int>(top - newest_.begin());
}

int JournalRing::TableFor(uint64_t cuts, JournalPosition last) {
  MutexLock lock(mutex_);
  if (cuts > cuts_) {
    cuts_ = cuts;
    // An empty table needs no successor.
    if (newest_[static_cast<size_t>(current_)] != 0) {
      const int next = (current_ + 1) % kJournalTables;
      if (newest_[static_cast<size_t>(next)] == 0) {
        current_ = next;
      } else {
        ++full_;
      }
    }
  }
  JournalPosition& newest = newest_[static_cast<size_t>(current_)];
  newest = std::max(newest, last);
  return current_;
}

std::vector<int> JournalRing::Covered(JournalPosition flushed) const {
  MutexLock lock(mutex_);
  std::vector<int> covered;
  for (int slot = 0; slot < kJournalTables; ++slot) {
    const JournalPosition newest = newest_[static_cast<size_t>(slot)];
    if (slot != current_ && newest != 0 && newest <= flushed) covered.push_back(slot);
  }
  return covered;
}

void JournalRing::Emptied(int slot) {
  MutexLock lock(mutex_);
  newest_[static_cast<size_t>(slot)] = 0;
}

uint64_t JournalRing::in_use() const {
  MutexLock lock(mutex_);
  return static_cast<uint64_t>(
      std::count_if(newest_.begin(), newest_.end(), [](JournalPosition p) { return p != 0; }));
}

uint64_t JournalRing::full() const {
  MutexLock lock(mutex_);
  return full_;
}

}  // namespace vigil::postgres
