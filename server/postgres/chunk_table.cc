// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/chunk_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/chunk_flush.h"
#include "server/postgres/journal_tables.h"
#include "server/postgres/series_insert.h"

namespace vigil::postgres {
namespace {

std::string Mine(const Ownership& owner) {
  return "id = " + std::to_string(owner.ingester) + " AND epoch = " + std::to_string(owner.epoch);
}

// In the transaction of the chunks: from here on replay skips what they hold. Locks the row until
// the commit, which is what keeps a takeover apart from this flush.
Result<void> RecordFlushed(Connection* connection, const Ownership& owner,
                           storage::JournalPosition flushed, int64_t timeout_ms) {
  const Rows rows =
      TRY(connection->Query("UPDATE vigil.ingester SET flushed_seq = greatest(flushed_seq, " +
                                std::to_string(flushed) + ") WHERE " + Mine(owner) + " RETURNING 1",
                            timeout_ms));
  if (rows.size() == 1) return Ok();
  return Unavailable("another vigil-server has taken this database over: nothing was flushed");
}

}  // namespace

PostgresChunkTable::PostgresChunkTable(ChunkTableOptions options, storage::Journal* journal,
                                       JournalRing* ring, LeafRegistry* leaves,
                                       const SharedRetention* retention, const Clock& clock)
    : options_(std::move(options)),
      journal_(journal),
      ring_(ring),
      leaves_(leaves),
      clock_(clock),
      reader_({options_.conninfo, options_.read_connections, options_.read_timeout_ms,
               options_.cache_bytes},
              leaves, retention, clock) {}

Result<void> PostgresChunkTable::WriteFlush(const std::function<bool(storage::ChunkRow*)>& next,
                                            storage::JournalPosition flushed) {
  const int64_t start_ns = clock_.MonotonicNs();
  auto done = FlushOnce(next, flushed);
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
  figures_.With([&](ChunkMetrics& m) {
    m.flush_seconds += seconds;
    m.last_flush_seconds = seconds;
    if (done) m.last_flush_time = clock_.Now();
    if (done) m.flushed_position = std::max<uint64_t>(m.flushed_position, flushed);
    ++(done ? m.flushes : m.flush_failures);
  });
  return done;
}

Result<void> PostgresChunkTable::FlushOnce(const std::function<bool(storage::ChunkRow*)>& next,
                                           storage::JournalPosition flushed) {
  const int64_t timeout_ms = options_.write_timeout_ms;
  TRY_CONTEXT(journal_->WaitDurable(flushed, timeout_ms), "flushing chunks");
  auto connection =
      TRY(Connection::Open(options_.conninfo, "vigil-flush", kWriterSession, kConnectTimeoutMs));
  if (TRY(FlushedBefore(connection.get(), flushed))) return Ok();

  MutexLock writing(leaves_->writing);
  TRY(leaves_->LoadIfStale(connection.get(), timeout_ms));
  std::unique_ptr<Connection> creator;
  ChunkFlush flush(
      connection.get(),
      [&](int32_t retention_class, TimestampMs time) {
        return LeafFor(retention_class, time, &creator);
      },
      timeout_ms);
  TRY(connection->Execute("BEGIN", timeout_ms));
  storage::ChunkRow row;
  while (next(&row)) TRY_CONTEXT(flush.Add(row), "flushing chunks");
  std::vector<std::string> touched;
  const auto written = flush.Finish([&](const std::string& table, TimestampMs newest) {
    leaves_->Raise(table, newest);
    touched.push_back(table);
  });
  if (!written) leaves_->MarkStale();
  TRY(written);
  TRY(RecordFlushed(connection.get(), options_.owner, flushed, timeout_ms));
  unresolved_ = flushed;
  const auto committed = connection->Execute("COMMIT", timeout_ms);
  leaves_->Changed(touched);
  TRY_CONTEXT(committed, "flushing chunks");
  unresolved_.reset();
  figures_.With([&](ChunkMetrics& m) {
    m.flushed_rows += flush.rows();
    m.flushed_bytes += flush.bytes();
  });
  TruncateCovered(connection.get(), flushed);
  return Ok();
}

Result<void> PostgresChunkTable::WriteChunks(std::span<const storage::SeriesRecord> series,
                                             std::span<const storage::ChunkRow> rows) {
  const int64_t timeout_ms = options_.write_timeout_ms;
  auto connection =
      TRY(Connection::Open(options_.conninfo, "vigil-backfill", kWriterSession, kConnectTimeoutMs));
  MutexLock writing(leaves_->writing);
  TRY(leaves_->LoadIfStale(connection.get(), timeout_ms));
  std::unique_ptr<Connection> creator;
  ChunkFlush chunks(
      connection.get(),
      [&](int32_t retention_class, TimestampMs time) {
        return LeafFor(retention_class, time, &creator);
      },
      timeout_ms);
  TRY(connection->Execute("BEGIN", timeout_ms));
  if (auto held = HoldFence(connection.get(), options_.owner, timeout_ms); !held) {
    return Unavailable("nothing was written: " + held.error().message);
  }
  SeriesInsert insert(connection.get(), timeout_ms);
  for (const storage::SeriesRecord& record : series) TRY(insert.Add(record));
  TRY(insert.Finish());
  for (const storage::ChunkRow& row : rows) TRY_CONTEXT(chunks.Add(row), "writing old samples");
  std::vector<std::string> touched;
  const auto written = chunks.Finish([&](const std::string& table, TimestampMs newest) {
    leaves_->Raise(table, newest);
    touched.push_back(table);
  });
  if (!written) leaves_->MarkStale();
  TRY(written);
  const auto committed = connection->Execute("COMMIT", timeout_ms);
  leaves_->Changed(touched);
  if (connection->broken()) leaves_->MarkStale();  // it may be committed any moment
  TRY_CONTEXT(committed, "writing old samples");
  return Ok();
}

Result<bool> PostgresChunkTable::FlushedBefore(Connection* connection,
                                               storage::JournalPosition flushed) {
  if (!unresolved_) return false;
  // Waits for the row lock of a transaction that may still be about to commit.
  const Rows rows = TRY(connection->Query(
      "SELECT flushed_seq FROM vigil.ingester WHERE " + Mine(options_.owner) + " FOR NO KEY UPDATE",
      options_.write_timeout_ms));
  if (rows.size() != 1) {
    return Unavailable("another vigil-server has taken this database over: nothing was flushed");
  }
  const bool committed = static_cast<storage::JournalPosition>(rows.Int(0, 0)) >= *unresolved_;
  if (committed) leaves_->AllChanged();  // by what was not known when it failed
  const bool same = *unresolved_ == flushed;
  unresolved_.reset();
  if (committed && !same) {
    log::Warn("postgres", "a flush that was reported as failed had been committed",
              {{"position", static_cast<uint64_t>(rows.Int(0, 0))}});
  }
  return committed && same;
}

Result<Leaf> PostgresChunkTable::LeafFor(int32_t retention_class, TimestampMs time,
                                         std::unique_ptr<Connection>* creator) {
  Leaf leaf = leaves_->Find(retention_class, time);
  if (!leaf.table.empty()) return leaf;
  if (*creator == nullptr) {
    *creator =
        TRY(Connection::Open(options_.conninfo, "vigil-leaf", kWriterSession, kConnectTimeoutMs));
    // Another owner may have made it since ours were read.
    TRY(leaves_->Load(creator->get(), options_.write_timeout_ms));
    leaf = leaves_->Find(retention_class, time);
    if (!leaf.table.empty()) return leaf;
  }
  return leaves_->Create(creator->get(), retention_class, time, options_.write_timeout_ms);
}

void PostgresChunkTable::TruncateCovered(Connection* connection, storage::JournalPosition flushed) {
  for (const int slot : ring_->Covered(flushed)) {
    auto emptied = TruncateIfCovered(connection, slot, options_.write_timeout_ms);
    const bool done = emptied && *emptied;
    if (done) ring_->Emptied(slot);
    figures_.With([&](ChunkMetrics& m) { ++(done ? m.truncations : m.truncation_failures); });
    if (emptied) continue;
    log::Warn("postgres", "a flushed journal table could not be emptied, trying again later",
              {{"table", JournalTableName(slot)}, {"err", emptied.error()}});
    if (connection->broken() || !connection->Execute("ROLLBACK", options_.write_timeout_ms)) return;
  }
}

Result<storage::ChunkTable> PostgresChunkTable::Read(std::span<const storage::SeriesId> series,
                                                     TimestampMs min_time,
                                                     TimestampMs max_time) const {
  return reader_.Read(series, min_time, max_time);
}

void PostgresChunkTable::Close() { reader_.Close(); }

ChunkMetrics PostgresChunkTable::metrics() const {
  ChunkMetrics metrics = figures_.Copy();
  const ChunkMetrics reads = reader_.metrics();
  metrics.reads = reads.reads;
  metrics.read_failures = reads.read_failures;
  metrics.read_rows = reads.read_rows;
  metrics.read_bytes = reads.read_bytes;
  metrics.read_seconds = reads.read_seconds;
  metrics.cache = reader_.cache_metrics();
  for (const Leaf& leaf : leaves_->All()) {
    ++metrics.leaves;
    metrics.oldest_leaf = std::min<int64_t>(metrics.oldest_leaf, leaf.start);
  }
  return metrics;
}

}  // namespace vigil::postgres
