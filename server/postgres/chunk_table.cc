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

constexpr int kReadAttempts = 3;
constexpr std::string_view kUndefinedTable = "42P01";

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

std::string ReadSql(const std::string& table) {
  return "SELECT series_id, min_time, span_ms, n, encoding, data FROM " + table +
         " WHERE series_id = ANY ($1::int8[]) AND min_time <= $3::int8 "
         "AND min_time + span_ms >= $2::int8";
}

// Copies the rows behind those that *table has, but not those that ended before the cutoff.
void AppendRows(const Rows& rows, TimestampMs cutoff, storage::ChunkTable* table) {
  size_t bytes = 0;
  for (int row = 0; row < rows.size(); ++row) bytes += rows.Bytes(row, 5).size();
  std::string& arena = table->arena.emplace_back();
  arena.reserve(bytes);
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.Int(row, 1) + rows.Int(row, 2) < cutoff) continue;
    const std::string_view data = rows.Bytes(row, 5);
    const char* at = arena.data() + arena.size();
    arena.append(data);
    storage::ChunkRow& out = table->rows.emplace_back();
    out.series = rows.Int(row, 0);
    out.min_time = rows.Int(row, 1);
    out.max_time = out.min_time + rows.Int(row, 2);
    out.count = static_cast<uint32_t>(rows.Int(row, 3));
    out.encoding = static_cast<uint16_t>(rows.Int(row, 4));
    out.data = {at, data.size()};
  }
}

void SortRows(std::vector<storage::ChunkRow>* rows) {
  const auto before = [](const storage::ChunkRow& a, const storage::ChunkRow& b) {
    return std::tie(a.series, a.min_time) < std::tie(b.series, b.min_time);
  };
  if (!std::is_sorted(rows->begin(), rows->end(), before)) {
    std::stable_sort(rows->begin(), rows->end(), before);
  }
}

}  // namespace

PostgresChunkTable::PostgresChunkTable(ChunkTableOptions options, storage::Journal* journal,
                                       JournalRing* ring, LeafRegistry* leaves,
                                       const SharedRetention* retention, const Clock& clock)
    : options_(std::move(options)),
      journal_(journal),
      ring_(ring),
      leaves_(leaves),
      retention_(retention),
      clock_(clock),
      readers_(options_.conninfo, options_.read_connections, clock) {}

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
  TRY(flush.Finish(
      [&](const std::string& table, TimestampMs newest) { leaves_->Raise(table, newest); }));
  TRY(RecordFlushed(connection.get(), options_.owner, flushed, timeout_ms));
  unresolved_ = flushed;
  TRY_CONTEXT(connection->Execute("COMMIT", timeout_ms), "flushing chunks");
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
  TRY(chunks.Finish(
      [&](const std::string& table, TimestampMs newest) { leaves_->Raise(table, newest); }));
  TRY_CONTEXT(connection->Execute("COMMIT", timeout_ms), "writing old samples");
  return Ok();
}

Result<bool> PostgresChunkTable::FlushedBefore(Connection* connection,
                                               storage::JournalPosition flushed) {
  if (!unresolved_) return false;
  // Waits for the row lock of a transaction that may still be about to commit.
  const Rows rows = TRY(connection->Query(
      "SELECT flushed_seq FROM vigil.ingester WHERE " + Mine(options_.owner) + " FOR UPDATE",
      options_.write_timeout_ms));
  if (rows.size() != 1) {
    return Unavailable("another vigil-server has taken this database over: nothing was flushed");
  }
  const bool committed = static_cast<storage::JournalPosition>(rows.Int(0, 0)) >= *unresolved_;
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
  if (series.empty()) return storage::ChunkTable();
  const int64_t start_ns = clock_.MonotonicNs();
  Result<storage::ChunkTable> table = Unavailable("not read yet");
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    auto reader = readers_.Take(options_.read_timeout_ms);
    if (!reader) {
      table = std::move(reader).error();
      break;
    }
    table = ReadOnce(&*reader, series, min_time, max_time);
    // A leaf was replaced, or the connection had died while it was idle.
    const bool stale = reader->connection->last_sqlstate() == kUndefinedTable;
    const bool died = reader->connection->broken();
    const bool reload =
        !table && stale && leaves_->Load(reader->connection.get(), options_.read_timeout_ms);
    readers_.Return(std::move(reader).value());
    if (table || !(reload || (died && table.error().kind == ErrorKind::kUnavailable))) break;
  }
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
  figures_.With([&](ChunkMetrics& m) {
    ++m.reads;
    m.read_seconds += seconds;
    if (!table) ++m.read_failures;
    if (!table) return;
    m.read_rows += table->rows.size();
    for (const std::string& arena : table->arena) m.read_bytes += arena.size();
  });
  return table;
}

Result<storage::ChunkTable> PostgresChunkTable::ReadOnce(ReadConnection* reader,
                                                         std::span<const storage::SeriesId> series,
                                                         TimestampMs min_time,
                                                         TimestampMs max_time) const {
  Connection* connection = reader->connection.get();
  std::vector<std::string> statements;
  std::vector<TimestampMs> cutoffs;
  const auto retention = retention_->Copy();
  const TimestampMs today = std::min(clock_.Now(), leaves_->Newest());
  for (const Leaf& leaf : leaves_->Overlapping(min_time, max_time)) {
    const TimestampMs cutoff = retention->CutoffOf(leaf.retention_class, today);
    if (leaf.newest < cutoff) continue;  // the next pass of the upkeep drops it
    if (!reader->prepared.contains(leaf.table)) {
      TRY(connection->Prepare(leaf.table, ReadSql(leaf.table), options_.read_timeout_ms));
      reader->prepared.insert(leaf.table);
    }
    statements.push_back(leaf.table);
    cutoffs.push_back(cutoff);
  }
  storage::ChunkTable table;
  if (statements.empty()) return table;
  Parameters parameters;
  parameters.Int8Array(series).Int8(min_time).Int8(max_time);
  const std::vector<Rows> leaves =
      TRY(connection->RunPrepared(statements, parameters, options_.read_timeout_ms));
  size_t total = 0;
  for (const Rows& rows : leaves) total += static_cast<size_t>(rows.size());
  table.rows.reserve(total);
  table.arena.reserve(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) AppendRows(leaves[i], cutoffs[i], &table);
  SortRows(&table.rows);
  return table;
}

void PostgresChunkTable::Close() { readers_.Close(); }

ChunkMetrics PostgresChunkTable::metrics() const {
  ChunkMetrics metrics = figures_.Copy();
  for (const Leaf& leaf : leaves_->All()) {
    ++metrics.leaves;
    metrics.oldest_leaf = std::min<int64_t>(metrics.oldest_leaf, leaf.start);
  }
  return metrics;
}

}  // namespace vigil::postgres
