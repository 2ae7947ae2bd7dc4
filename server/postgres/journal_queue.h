// SPDX-License-Identifier: Apache-2.0
// The journal's memory: what is queued for the database, what is safe, and who waits for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// What one Enqueue brought. Pages have the positions first, first + 1, …
struct JournalEntry {
  std::vector<storage::SeriesRecord> series;
  std::vector<std::string> pages;
  storage::JournalPosition first = 0;
  uint64_t cuts = 0;  // before it
  uint64_t bytes = 0;

  [[nodiscard]] storage::JournalPosition last() const { return first + pages.size() - 1; }
};

// Threads: any; one of them, the writer, calls Wait, Take, Committed and NoteError.
class JournalQueue {
 public:
  // max_bytes, spool_bytes: where HasRoom() ends for the two kinds of writers.
  JournalQueue(storage::JournalPosition last, uint64_t max_bytes, uint64_t spool_bytes,
               const Clock& clock);

  // Callers' side.
  [[nodiscard]] bool HasRoom(storage::Writer writer = storage::Writer::kKeepsSamples) const;
  storage::JournalPosition Enqueue(std::vector<storage::SeriesRecord> series,
                                   std::vector<std::string> pages);
  storage::JournalPosition Cut();
  Result<void> WaitDurable(storage::JournalPosition position, int64_t timeout_ms) const;

  // Ids out of [next, end) blocks that the writer fetches. Does not wait while the database is
  // known to be away.
  Result<storage::SeriesId> NextSeriesId(int64_t timeout_ms);
  [[nodiscard]] bool WantsSeriesIds() const;
  void AddSeriesIds(storage::SeriesId first, int64_t count);

  // The writer's side.
  // Waits until there is something to do: entries are queued and (full_bytes are queued or
  // not_before_ns has come, or hurried_ns when somebody waits in WaitDurable), series ids run low,
  // the queue was stopped, or until_ns has come. With hold set entries and ids do not count (the
  // database is away). Monotonic nanoseconds.
  void Wait(int64_t hurried_ns, int64_t not_before_ns, int64_t until_ns, uint64_t full_bytes,
            bool hold);
  [[nodiscard]] bool HasWaiters() const;
  // The oldest entries, about max_bytes of them. They count as queued until Committed.
  std::vector<JournalEntry> Take(uint64_t max_bytes);
  // Everything up to the position is safe; frees the bytes and wakes waiters.
  void Committed(storage::JournalPosition position, uint64_t bytes, uint64_t series);
  // For waiters' error texts; empty when the database answers again.
  void NoteError(const std::string& error);

  // Waiters get `reason`, Enqueue still counts but keeps nothing. For fencing and the end.
  void Fail(Error reason);
  // Wakes the writer to drain and end.
  void Stop();
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] bool failed() const;

  struct Figures {
    uint64_t pages = 0;
    uint64_t bytes = 0;
    uint64_t series = 0;
    storage::JournalPosition last = 0;
    storage::JournalPosition durable = 0;
    std::string error;
  };
  [[nodiscard]] Figures figures() const;

 private:
  const uint64_t max_bytes_;
  const uint64_t spool_bytes_;
  const Clock& clock_;

  // Guards all below; several condition variables need the bare mutex.
  mutable std::mutex mutex_;
  mutable std::condition_variable durable_changed_;
  mutable std::condition_variable writer_wanted_;
  std::condition_variable ids_added_;
  std::deque<JournalEntry> entries_;
  mutable size_t waiters_ = 0;  // in WaitDurable
  storage::JournalPosition last_;
  storage::JournalPosition durable_;
  uint64_t cuts_ = 0;
  uint64_t bytes_ = 0;       // queued or being written
  uint64_t waiting_ = 0;     // of them in entries_
  uint64_t full_bytes_ = 0;  // what the writer waits for
  uint64_t series_ = 0;
  storage::SeriesId next_id_ = 0;
  storage::SeriesId end_id_ = 0;
  storage::SeriesId spare_first_ = 0;
  storage::SeriesId spare_end_ = 0;
  std::string error_;
  bool stopped_ = false;
  bool failed_ = false;
  Error failure_;
};

}  // namespace vigil::postgres
