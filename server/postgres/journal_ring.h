// SPDX-License-Identifier: Apache-2.0
// Which of the journal's tables holds what: bookkeeping of the ring, without I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/storage.h"

namespace vigil::postgres {

inline constexpr int kJournalTables = 8;
std::string JournalTableName(int slot);  // vigil.journal_<slot>

// The writer fills one table at a time and moves to the next free one after a cut; a table may be
// emptied once everything in it is flushed and the writer has left it. As tables are filled one
// after the other, each holds one run of positions.
// Threads: any.
class JournalRing {
 public:
  // At start-up: what the tables hold, 0 for nothing. The writer goes on in the newest one.
  void Restore(const std::array<storage::JournalPosition, kJournalTables>& newest);

  // The table for pages up to `last` that were queued after `cuts` cuts. Moves on at the first
  // page behind a cut when a table is free, else stays. Called before the pages are written, so
  // that a table is never thought empty while it is not.
  int TableFor(uint64_t cuts, storage::JournalPosition last);
  // Tables that hold nothing beyond `flushed` and are not written to.
  [[nodiscard]] std::vector<int> Covered(storage::JournalPosition flushed) const;
  void Emptied(int slot);

  [[nodiscard]] uint64_t in_use() const;
  // Cuts that found no free table.
  [[nodiscard]] uint64_t full() const;

 private:
  mutable Mutex mutex_;
  std::array<storage::JournalPosition, kJournalTables> newest_ GUARDED_BY(mutex_) = {};
  int current_ GUARDED_BY(mutex_) = 0;
  uint64_t cuts_ GUARDED_BY(mutex_) = 0;
  uint64_t full_ GUARDED_BY(mutex_) = 0;
};

}  // namespace vigil::postgres
