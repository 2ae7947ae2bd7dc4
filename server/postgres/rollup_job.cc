// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_job.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/chunks/chunk.h"
#include "server/postgres/transaction.h"
#include "server/storage/rising.h"

namespace vigil::postgres {
namespace {

// Makes the leaves for roll-ups of [start, end).
Result<void> MakeLeaves(Connection* connection, const Resolution& resolution, TimestampMs start,
                        TimestampMs end, int64_t timeout_ms) {
  const std::string width = std::to_string(resolution.width_ms);
  for (TimestampMs from = LeafStart(start, resolution.leaf_ms); from < end;
       from += resolution.leaf_ms) {
    const std::string bounds =
        std::to_string(from) + ", " + std::to_string(from + resolution.leaf_ms);
    const Rows known =
        TRY(connection->Query("SELECT 1 FROM vigil.rollup_leaf WHERE resolution_ms = " + width +
                                  " AND min_time = " + std::to_string(from),
                              timeout_ms));
    if (known.size() > 0) continue;
    const int64_t minutes = from / 60'000;
    const std::string name = std::string("rollup_") + resolution.name + "_" +
                             (minutes < 0 ? "m" : "") + std::to_string(std::abs(minutes));
    TRY(InTransaction(connection, kShortLocks, timeout_ms, [&] {
      return connection->Execute("CREATE TABLE vigil." + name + " (LIKE " + ParentOf(resolution) +
                                     " INCLUDING ALL); ALTER TABLE " + ParentOf(resolution) +
                                     " ATTACH PARTITION vigil." + name + " FOR VALUES FROM (" +
                                     std::to_string(from) + ") TO (" +
                                     std::to_string(from + resolution.leaf_ms) +
                                     "); INSERT INTO vigil.rollup_leaf VALUES (" + width + ", " +
                                     bounds + ", '" + name + "')",
                                 timeout_ms);
    }));
  }
  return Ok();
}

// `column` is that of the leaf's start.
std::string SpanOf(const LeafState& state, const std::string& column) {
  return "class = " + std::to_string(state.leaf.retention_class) + " AND " + column +
         " >= " + std::to_string(state.leaf.start) + " AND " + column + " < " +
         std::to_string(state.leaf.end);
}

// What readers get of the rows.
void Decode(std::span<const storage::ChunkRow> rows, const storage::Tombstones& tombstones,
            SampleColumns* samples, RollupCounts* counts) {
  samples->Clear();
  const storage::ColumnsMark begin(*samples);
  for (const storage::ChunkRow& row : rows) {
    const chunks::ChunkView view{row.min_time, row.max_time, row.count, row.encoding, row.data};
    if (!chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, samples)) ++counts->corrupt;
  }
  storage::MakeRising(begin, samples);
  if (!tombstones.empty()) {
    storage::EraseDeleted(tombstones.SpansOf(rows.front().series), begin, samples);
  }
}

// The last thing in the transaction.
Result<void> Record(Connection* connection, const Ownership& owner, const LeafState& state,
                    int32_t resolutions, bool thin, int64_t timeout_ms) {
  TRY(HoldFence(connection, owner, timeout_ms));
  const std::string generation = std::to_string(state.leaf.generation);
  const Rows rows = TRY(connection->Query(
      "UPDATE vigil.leaf SET rolled_up = generation, resolutions = " + std::to_string(resolutions) +
          ", thin = " + (thin ? "true" : "false") + " WHERE " + SpanOf(state, "min_time") +
          " AND generation = " + generation + " AND n_chunks = " + std::to_string(state.chunks) +
          " RETURNING 1",
      timeout_ms));
  return rows.size() == 1 ? Ok() : Result<void>(Unavailable("the leaf changed meanwhile"));
}

// Rows of samples that are gone, or of this leaf; not those that other leaves own. `r` is the
// table. A row of this leaf may have nothing but the bucket that ends where the leaf begins; of the
// leaf before such a bucket is none of the others.
std::string OthersOf(const LeafState& state) {
  const std::string start = std::to_string(state.leaf.start);
  return " WHERE class = " + std::to_string(state.leaf.retention_class) + " AND min_time BETWEEN " +
         std::to_string(state.leaf.start - 2 * kRollupDayMs) + " AND " +
         std::to_string(state.leaf.end - 1) + " AND (min_time + span_ms >= " + start +
         " OR r.leaf >= " + start + ")" +
         " AND NOT EXISTS (SELECT FROM vigil.leaf l WHERE l.class = r.class AND l.min_time <> " +
         start +
         " AND coalesce(r.leaf, r.min_time) >= l.min_time AND coalesce(r.leaf, r.min_time) < "
         "l.end_time) AND coalesce(r.leaf, r.min_time) < " +
         std::to_string(state.leaf.end);
}

Result<int64_t> CountOthers(Connection* connection, const LeafState& state,
                            const RollupPolicy& policy, int64_t timeout_ms) {
  int64_t count = 0;
  for (const Resolution& resolution : kResolutions) {
    if (policy.*resolution.retention_ms == 0) continue;
    const Rows rows = TRY(connection->Query(
        "SELECT count(*) FROM " + ParentOf(resolution) + " r" + OthersOf(state), timeout_ms));
    count += rows.Int(0, 0);
  }
  return count;
}

// Rolls one leaf up to one resolution, series after series.
class LeafRollup {
 public:
  LeafRollup(const Resolution& resolution, Connection* connection, const LeafState& state,
             int64_t timeout_ms, RollupCounts* counts)
      : resolution_(resolution),
        connection_(connection),
        state_(state),
        timeout_ms_(timeout_ms),
        sink_(resolution, connection, timeout_ms, counts) {
    fresh_.retention_class = state.leaf.retention_class;
    fresh_.leaf = state.leaf.start;
  }

  // With `contest` buckets that are there already and know more samples stay.
  Result<void> Put(storage::SeriesId series, const SampleColumns& samples, bool contest) {
    fresh_.series = series;
    fresh_.buckets.Clear();
    fresh_.buckets.Add(samples, resolution_.width_ms);
    if (contest) TRY(Contest());
    rows_ += (fresh_.buckets.size() > 0 ? 1 : 0) + (fresh_.buckets.histograms.empty() ? 0 : 1);
    return sink_.Write(fresh_);
  }
  Result<void> Send() { return sink_.Send(); }
  // Written for samples that the leaf has.
  [[nodiscard]] int64_t rows() const { return rows_; }

 private:
  Result<void> Contest() {
    const Rows rows =
        TRY(connection_->Query(SelectStored(resolution_) + OthersOf(state_) +
                                   " AND series_id = " + std::to_string(fresh_.series),
                               timeout_ms_));
    StoredRollup older;
    for (int row = 0; row < rows.size(); ++row) {
      TRY(ReadStored(rows, row, &older));
      if (!fresh_.buckets.Contest(&older.buckets)) continue;
      TRY(connection_->Execute("DELETE FROM " + ParentOf(resolution_) + " WHERE " + KeyOf(older),
                               timeout_ms_));
      TRY(sink_.Write(older));
    }
    return Ok();
  }

  const Resolution& resolution_;
  Connection* const connection_;
  const LeafState& state_;
  const int64_t timeout_ms_;
  RollupSink sink_;
  StoredRollup fresh_;
  int64_t rows_ = 0;
};

}  // namespace

bool AwaitsRollup(const LeafState& state, const RetentionPolicy& policy) {
  const int32_t wanted = policy.rollups.Resolutions();
  const int64_t kept = policy.RetentionOf(state.leaf.retention_class);
  const bool long_lived = kept == 0 || (policy.time_ms != 0 && kept >= policy.time_ms);
  return wanted != 0 && long_lived &&
         (state.chunks != state.merged_chunks || state.rolled_up != state.leaf.generation ||
          (wanted & ~state.resolutions) != 0);
}

bool NeedsRollup(const LeafState& state, const RetentionPolicy& policy) {
  return state.merged_at > 0 && state.chunks == state.merged_chunks && AwaitsRollup(state, policy);
}

Result<RollupCounts> RollUpLeaf(const LeafReadOptions& options, const Ownership& owner,
                                const LeafState& state, const RollupPolicy& policy,
                                const storage::Tombstones& tombstones, const Clock& clock,
                                const std::stop_token& stop) {
  const int64_t timeout_ms = options.timeout_ms;
  LeafReader reader(options, {state.leaf}, clock);
  TRY(reader.Open());
  const auto writer =
      TRY(Connection::Open(options.conninfo, "vigil-rollup", kWriterSession, kConnectTimeoutMs));
  RollupCounts counts;
  std::vector<LeafRollup> rollups;
  std::string forget;
  for (const Resolution& resolution : kResolutions) {
    if (policy.*resolution.retention_ms == 0) continue;
    // A sample on the start of the leaf is in the bucket before.
    TRY(MakeLeaves(writer.get(), resolution, state.leaf.start - resolution.width_ms, state.leaf.end,
                   timeout_ms));
    rollups.emplace_back(resolution, writer.get(), state, timeout_ms, &counts);
    // The span of times picks the partitions.
    forget += "DELETE FROM " + ParentOf(resolution) + " WHERE " + SpanOf(state, "leaf") +
              " AND min_time BETWEEN " + std::to_string(state.leaf.start - resolution.width_ms) +
              " AND " + std::to_string(state.leaf.end) + ";";
  }
  SampleColumns samples;
  TRY(InTransaction(writer.get(), "", timeout_ms, [&]() -> Result<void> {
    // A leaf that was dropped and came back with a few old samples does not take the place of what
    // was rolled up of all of them.
    const bool contest =
        state.thin ||
        (state.rolled_up < 0 && TRY(CountOthers(writer.get(), state, policy, timeout_ms)) > 0);
    if (!contest && !forget.empty()) TRY(writer->Execute(forget, timeout_ms));
    TRY(reader.ForEachSeries(stop, [&](std::span<const storage::ChunkRow> rows) -> Result<void> {
      Decode(rows, tombstones, &samples, &counts);
      for (LeafRollup& one : rollups) TRY(one.Put(rows.front().series, samples, contest));
      return Ok();
    }));
    int64_t own = 0;
    for (LeafRollup& one : rollups) {
      TRY(one.Send());
      own += one.rows();
    }
    const bool thin = contest && TRY(CountOthers(writer.get(), state, policy, timeout_ms)) > own;
    counts.thinned = thin != state.thin;
    return Record(writer.get(), owner, state, policy.Resolutions(), thin, timeout_ms);
  }));
  return counts;
}

Result<uint64_t> DropExpiredRollups(Connection* connection, const Ownership& owner,
                                    const RollupPolicy& policy, TimestampMs now,
                                    int64_t timeout_ms) {
  uint64_t dropped = 0;
  for (const Resolution& resolution : kResolutions) {
    const int64_t retention = policy.*resolution.retention_ms;
    if (retention == 0) continue;
    const std::string expired =
        " FROM vigil.rollup_leaf WHERE resolution_ms = " + std::to_string(resolution.width_ms) +
        " AND end_time <= " + std::to_string(now - retention);
    TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
      TRY(HoldFence(connection, owner, timeout_ms));
      const Rows rows = TRY(connection->Query("SELECT quote_ident(rel)" + expired, timeout_ms));
      for (int row = 0; row < rows.size(); ++row) {
        const std::string table = "vigil." + std::string(rows.Bytes(row, 0));
        TRY(connection->Execute("ALTER TABLE " + ParentOf(resolution) + " DETACH PARTITION " +
                                    table + "; DROP TABLE " + table,
                                timeout_ms));
      }
      dropped += static_cast<uint64_t>(rows.size());
      return rows.size() == 0 ? Ok() : connection->Execute("DELETE" + expired, timeout_ms);
    }));
  }
  return dropped;
}

}  // namespace vigil::postgres
