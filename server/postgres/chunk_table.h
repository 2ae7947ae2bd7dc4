// SPDX-License-Identifier: Apache-2.0
// storage::ChunkStore in PostgreSQL: rows of encoded chunks in time-range leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/chunk_reader.h"
#include "server/postgres/journal_ring.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/metrics.h"
#include "server/postgres/ownership.h"
#include "server/postgres/retention.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct ChunkTableOptions {
  std::string conninfo;
  Ownership owner;
  int read_connections = 4;
  int64_t read_timeout_ms = 30'000;
  int64_t write_timeout_ms = 60'000;
  uint64_t cache_bytes = 0;  // of chunks that were read; 0: none are kept
};

// A flush is one transaction: COPY into the leaves, then the ingester's flushed_seq, guarded by the
// epoch. It waits first until the journal has committed up to that position, so that no chunk is
// ever of a series that the catalogue does not have. After it, journal tables that hold nothing
// newer are truncated, each in a transaction of its own with a short lock timeout; that is only
// housekeeping: replay skips everything up to flushed_seq, so a crash before, between or after
// gives every sample back exactly once, from the chunks or from the journal.
// Leaves are created beforehand on a connection of their own, because attaching one must not hold
// its lock for as long as a flush takes; a leaf that stays empty does no harm.
// When the connection is lost during the commit, the outcome is unknown and WriteFlush reports an
// error; the next WriteFlush up to the same position finds out, and writes nothing when the first
// one was committed.
// Threads: any; one flush at a time.
class PostgresChunkTable : public storage::ChunkStore {
 public:
  PostgresChunkTable(ChunkTableOptions options, storage::Journal* journal, JournalRing* ring,
                     LeafRegistry* leaves, const SharedRetention* retention, const Clock& clock);

  Result<void> WriteFlush(const std::function<bool(storage::ChunkRow*)>& next,
                          storage::JournalPosition flushed) override;
  Result<void> WriteChunks(std::span<const storage::SeriesRecord> series,
                           std::span<const storage::ChunkRow> rows) override;
  Result<storage::ChunkTable> Read(std::span<const storage::SeriesId> series, TimestampMs min_time,
                                   TimestampMs max_time) const override;

  // Empties the ring's tables that chunks cover. Counts what it could not do; never an error.
  void TruncateCovered(Connection* connection, storage::JournalPosition flushed);
  void WarmUp() { reader_.WarmUp(); }
  void Close();
  [[nodiscard]] ChunkMetrics metrics() const;
  [[nodiscard]] uint64_t open_read_connections() const { return reader_.open_connections(); }

 private:
  Result<void> FlushOnce(const std::function<bool(storage::ChunkRow*)>& next,
                         storage::JournalPosition flushed);
  // True when this very flush was committed though its outcome was lost.
  Result<bool> FlushedBefore(Connection* connection, storage::JournalPosition flushed);
  Result<Leaf> LeafFor(int32_t retention_class, TimestampMs time,
                       std::unique_ptr<Connection>* creator);

  const ChunkTableOptions options_;
  storage::Journal* const journal_;
  JournalRing* const ring_;
  LeafRegistry* const leaves_;
  const Clock& clock_;
  mutable ChunkReader reader_;
  mutable Guarded<ChunkMetrics> figures_;
  // Of the flushing thread: position of a flush whose commit was not answered.
  std::optional<storage::JournalPosition> unresolved_;
};

}  // namespace vigil::postgres
