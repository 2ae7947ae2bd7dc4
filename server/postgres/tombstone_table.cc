// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/tombstone_table.h"

#include <map>
#include <string>
#include <utility>

#include "server/postgres/transaction.h"

namespace vigil::postgres {

Result<std::vector<storage::Tombstone>> LoadTombstones(Connection* connection, int64_t timeout_ms) {
  // One statement, so that both halves are of one moment.
  const Rows rows =
      TRY(connection->Query("SELECT d.id, d.t0, d.t1, d.matchers, s FROM vigil.tombstone d "
                            "CROSS JOIN LATERAL unnest(d.series) s ORDER BY d.id, s",
                            timeout_ms));
  std::vector<storage::Tombstone> tombstones;
  for (int row = 0; row < rows.size(); ++row) {
    if (tombstones.empty() || tombstones.back().id != rows.Int(row, 0)) {
      storage::Tombstone& added = tombstones.emplace_back();
      added.id = rows.Int(row, 0);
      added.span = {rows.Int(row, 1), rows.Int(row, 2)};
      added.matchers = std::string(rows.Bytes(row, 3));
    }
    tombstones.back().series.push_back(rows.Int(row, 4));
  }
  return tombstones;
}

Result<void> InsertTombstone(Connection* connection, const Ownership& owner, TimestampMs now,
                             storage::Tombstone* tombstone, int64_t timeout_ms) {
  return InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    std::string mended;
    Parameters parameters;
    parameters.Text(MendText(tombstone->matchers, &mended) ? mended : tombstone->matchers)
        .Int8Array(tombstone->series)
        .Int8(tombstone->span.from)
        .Int8(tombstone->span.to)
        .Int8(now);
    const Rows rows =
        TRY(connection->Query("INSERT INTO vigil.tombstone (matchers, series, t0, t1, created_at) "
                              "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                              parameters, timeout_ms));
    tombstone->id = rows.Int(0, 0);
    return Ok();
  });
}

Result<void> DeleteTombstone(Connection* connection, const Ownership& owner, int64_t id,
                             int64_t timeout_ms) {
  return InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    return connection->Execute("DELETE FROM vigil.tombstone WHERE id = " + std::to_string(id),
                               timeout_ms);
  });
}

Result<bool> LeafHasDeleted(Connection* connection, const Leaf& leaf,
                            const storage::Tombstone& tombstone, int64_t timeout_ms) {
  Parameters parameters;
  parameters.Int8Array(tombstone.series).Int8(tombstone.span.from).Int8(tombstone.span.to);
  const Rows rows = TRY(connection->Query("SELECT EXISTS (SELECT FROM " + leaf.table +
                                              " WHERE series_id = ANY ($1::int8[]) AND min_time "
                                              "<= $3::int8 AND min_time + span_ms >= $2::int8)",
                                          parameters, timeout_ms));
  return rows.Bool(0, 0);
}

Result<void> MarkPurged(Connection* connection, const Ownership& owner, const LeafState& state,
                        int64_t id, int64_t timeout_ms) {
  return InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    return connection->Execute("UPDATE vigil.leaf SET purged = " + std::to_string(id) +
                                   " WHERE class = " + std::to_string(state.leaf.retention_class) +
                                   " AND min_time = " + std::to_string(state.leaf.start) +
                                   " AND n_chunks = " + std::to_string(state.chunks),
                               timeout_ms);
  });
}

}  // namespace vigil::postgres
