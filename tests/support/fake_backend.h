// SPDX-License-Identifier: Apache-2.0
// A durable backend in memory that can be slow, away, and lose what was not committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/backend.h"

namespace vigil::testing {

// What survives a crash is in the object; a new store on the same object is a restart.
// Checks on the way that no page comes before the record of its series, and no chunk either.
// Threads: any.
class FakeBackend : public storage::Journal, public storage::ChunkStore, public storage::Recovery {
 public:
  // Journal.
  [[nodiscard]] bool HasRoom(storage::Writer writer) const override;
  Result<storage::SeriesId> NextSeriesId() override;
  storage::JournalPosition Enqueue(std::vector<storage::SeriesRecord> new_series,
                                   std::vector<std::string> pages) override;
  Result<void> WaitDurable(storage::JournalPosition position, int64_t timeout_ms) override;
  storage::JournalPosition Cut() override;

  // ChunkStore.
  Result<void> WriteFlush(const std::function<bool(storage::ChunkRow*)>& next,
                          storage::JournalPosition flushed) override;
  Result<void> WriteChunks(std::span<const storage::SeriesRecord> series,
                           std::span<const storage::ChunkRow> rows) override;
  Result<storage::ChunkTable> Read(std::span<const storage::SeriesId> series, TimestampMs min_time,
                                   TimestampMs max_time) const override;

  // Recovery.
  Result<TimestampMs> NewestInChunks() override;
  Result<void> LoadSeries(const std::function<void(storage::SeriesRecord)>& each) override;
  Result<void> ReplayJournal(const std::function<void(std::string_view page)>& each) override;

  // Knobs.
  void SetRoom(bool room) { SetRoom(room, room); }
  // For writers that keep their samples, and for those that do not.
  void SetRoom(bool room, bool spool);
  // Away: nothing is committed, everything that needs the database is unavailable.
  void SetAway(bool away);
  // Nothing is committed until Commit(), or until somebody waits.
  void SetLazy(bool lazy);
  void Commit();
  // Loses what was not committed, as a kill of the server does.
  void Crash();
  // The next flush fails when it has taken so many rows.
  void FailFlushAfter(size_t rows);
  // The next flush is committed, but the answer is lost.
  void LoseFlushAnswer();
  // Changes the i-th page that a replay would give; false when there is none.
  bool BreakPage(size_t i);
  void BreakChunk(size_t i);

  struct Chunk {
    storage::ChunkRow row;  // data is empty
    std::string data;
  };
  [[nodiscard]] std::vector<Chunk> chunks() const;
  [[nodiscard]] size_t reads() const;
  [[nodiscard]] size_t replayable_pages() const;

 private:
  struct Entry {
    std::vector<storage::SeriesRecord> series;
    std::vector<std::string> pages;
  };
  void CommitLocked() REQUIRES_LOCK(mutex_);

  mutable Mutex mutex_;
  bool room_ GUARDED_BY(mutex_) = true;
  bool spool_ GUARDED_BY(mutex_) = true;
  bool away_ GUARDED_BY(mutex_) = false;
  bool lazy_ GUARDED_BY(mutex_) = false;
  size_t fail_after_ GUARDED_BY(mutex_) = SIZE_MAX;
  bool lose_answer_ GUARDED_BY(mutex_) = false;
  bool unresolved_ GUARDED_BY(mutex_) = false;
  mutable size_t reads_ GUARDED_BY(mutex_) = 0;
  storage::SeriesId next_id_ GUARDED_BY(mutex_) = 1;
  storage::JournalPosition queued_ GUARDED_BY(mutex_) = 0;
  storage::JournalPosition committed_ GUARDED_BY(mutex_) = 0;
  storage::JournalPosition flushed_ GUARDED_BY(mutex_) = 0;
  std::map<storage::JournalPosition, Entry> queue_ GUARDED_BY(mutex_);
  std::set<storage::SeriesId> announced_ GUARDED_BY(mutex_);  // committed or queued
  std::set<storage::SeriesId> known_ GUARDED_BY(mutex_);      // committed
  std::vector<storage::SeriesRecord> catalogue_ GUARDED_BY(mutex_);
  std::map<storage::JournalPosition, std::vector<std::string>> pages_ GUARDED_BY(mutex_);
  std::vector<Chunk> chunks_ GUARDED_BY(mutex_);
};

}  // namespace vigil::testing
