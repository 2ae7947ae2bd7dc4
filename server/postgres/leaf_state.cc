// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_state.h"

#include <algorithm>

#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

std::string Unqualified(const std::string& table) { return table.substr(table.find('.') + 1); }

std::string KeyOf(const Leaf& leaf) {
  return "class = " + std::to_string(leaf.retention_class) +
         " AND min_time = " + std::to_string(leaf.start);
}

std::string Detach(const Leaf& leaf) {
  return "ALTER TABLE " + ClassTableName(leaf.retention_class) + " DETACH PARTITION " + leaf.table;
}

// False when the row is not as it was read. Locks it.
Result<bool> IsUnchanged(Connection* connection, const LeafState& state, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT n_chunks, generation FROM vigil.leaf WHERE " + KeyOf(state.leaf) + " FOR UPDATE",
      timeout_ms));
  return rows.size() == 1 && rows.Int(0, 0) == state.chunks &&
         rows.Int(0, 1) == state.leaf.generation;
}

// The resolutions that all of them are rolled up to.
int32_t Resolutions(const std::vector<LeafState>& from) {
  int32_t all = from.front().resolutions;
  for (const LeafState& state : from) all &= state.resolutions;
  return all;
}

bool AnyThin(const std::vector<LeafState>& from) {
  return std::any_of(from.begin(), from.end(), [](const LeafState& state) { return state.thin; });
}

// The generation that the roll-ups of the span are of.
int32_t RolledUp(const std::vector<LeafState>& from, const LeafReplacement& to) {
  const bool any = std::any_of(from.begin(), from.end(),
                               [](const LeafState& state) { return state.rolled_up >= 0; });
  const bool all = std::all_of(from.begin(), from.end(), [](const LeafState& state) {
    return state.rolled_up == state.leaf.generation;
  });
  // Below the new generation: there are roll-ups, and they are out of date.
  return all && to.same_samples ? to.leaf.generation : any ? 0 : -1;
}

Result<void> Exchange(Connection* connection, const std::vector<LeafState>& from,
                      const LeafReplacement& to, int64_t timeout_ms) {
  const std::string now = std::to_string(to.now);
  const int32_t rolled_up = RolledUp(from, to);
  for (const LeafState& state : from) {
    TRY(connection->Execute(Detach(state.leaf) + "; DELETE FROM vigil.leaf WHERE " +
                                KeyOf(state.leaf) + "; INSERT INTO vigil.detached_leaf VALUES ('" +
                                Unqualified(state.leaf.table) + "', " + now + ")",
                            timeout_ms));
  }
  const Leaf& leaf = to.leaf;
  const std::string start = std::to_string(leaf.start);
  const std::string end = std::to_string(leaf.end);
  const std::string rows = std::to_string(to.counts.rows_out);
  return connection->Execute(
      "ALTER TABLE " + ClassTableName(leaf.retention_class) + " ATTACH PARTITION " + leaf.table +
          " FOR VALUES FROM (" + start + ") TO (" + end +
          "); INSERT INTO vigil.leaf (class, min_time, end_time, rel, newest, n_chunks, n_samples, "
          "generation, merged_chunks, merged_at, purged, rolled_up, resolutions, thin) VALUES (" +
          std::to_string(leaf.retention_class) + ", " + start + ", " + end + ", '" +
          Unqualified(leaf.table) + "', " + std::to_string(leaf.newest) + ", " + rows + ", " +
          std::to_string(to.counts.samples_out) + ", " + std::to_string(leaf.generation) + ", " +
          rows + ", " + now + ", " + std::to_string(to.purged) + ", " + std::to_string(rolled_up) +
          ", " + std::to_string(Resolutions(from)) + ", " + (AnyThin(from) ? "true" : "false") +
          ")",
      timeout_ms);
}

// Leaves by their names that are attached to nothing and in no registry.
constexpr const char* kOrphans =
    "SELECT quote_ident(c.relname) FROM pg_class c WHERE c.relnamespace = 'vigil'::regnamespace "
    "AND c.relkind = 'r' AND NOT c.relispartition "
    "AND c.relname ~ '^(chunk_c[0-9]+|rollup_[0-9]+[mh])_m?[0-9]+(_g[0-9]+)?$' "
    "AND NOT EXISTS (SELECT FROM vigil.leaf l WHERE l.rel = c.relname) "
    "AND NOT EXISTS (SELECT FROM vigil.detached_leaf d WHERE d.rel = c.relname)";

Result<void> DropTables(Connection* connection, const Rows& names, int64_t timeout_ms) {
  for (int row = 0; row < names.size(); ++row) {
    const std::string table = "vigil." + std::string(names.Bytes(row, 0));
    TRY(connection->Execute("DROP TABLE IF EXISTS " + table, timeout_ms));
  }
  return Ok();
}

}  // namespace

Result<std::vector<LeafState>> ReadLeafStates(Connection* connection, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT quote_ident(rel), class, min_time, end_time, newest, generation, n_chunks, "
      "merged_chunks, merged_at, purged, rolled_up, resolutions, thin FROM vigil.leaf ORDER BY "
      "class, "
      "min_time",
      timeout_ms));
  std::vector<LeafState> states;
  for (int row = 0; row < rows.size(); ++row) {
    LeafState& state = states.emplace_back();
    state.leaf.table = "vigil." + std::string(rows.Bytes(row, 0));
    state.leaf.retention_class = static_cast<int32_t>(rows.Int(row, 1));
    state.leaf.start = rows.Int(row, 2);
    state.leaf.end = rows.Int(row, 3);
    state.leaf.newest = rows.Int(row, 4);
    state.leaf.generation = static_cast<int32_t>(rows.Int(row, 5));
    state.chunks = rows.Int(row, 6);
    state.merged_chunks = rows.Int(row, 7);
    state.merged_at = rows.Int(row, 8);
    state.purged = rows.Int(row, 9);
    state.rolled_up = static_cast<int32_t>(rows.Int(row, 10));
    state.resolutions = static_cast<int32_t>(rows.Int(row, 11));
    state.thin = state.leaf.thin = rows.Bool(row, 12);
  }
  return states;
}

Result<SwapOutcome> SwapLeaves(Connection* connection, const Ownership& owner,
                               const std::vector<LeafState>& from, const LeafReplacement& to,
                               int64_t timeout_ms) {
  SwapOutcome outcome = SwapOutcome::kDone;
  TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    for (const LeafState& state : from) {
      if (TRY(IsUnchanged(connection, state, timeout_ms))) continue;
      outcome = SwapOutcome::kOverrun;
      return Ok();
    }
    return Exchange(connection, from, to, timeout_ms);
  }));
  return outcome;
}

Result<SwapOutcome> DropLeaf(Connection* connection, const Ownership& owner, const LeafState& state,
                             int64_t timeout_ms) {
  SwapOutcome outcome = SwapOutcome::kDone;
  TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    if (!TRY(IsUnchanged(connection, state, timeout_ms))) {
      outcome = SwapOutcome::kOverrun;
      return Ok();
    }
    const Leaf& leaf = state.leaf;
    return connection->Execute(Detach(leaf) + "; DELETE FROM vigil.leaf WHERE " + KeyOf(leaf) +
                                   "; DROP TABLE " + leaf.table +
                                   "; UPDATE vigil.retention_class SET dropped_until = greatest("
                                   "dropped_until, " +
                                   std::to_string(leaf.end) +
                                   ") WHERE id = " + std::to_string(leaf.retention_class),
                               timeout_ms);
  }));
  return outcome;
}

Result<uint64_t> DropDetached(Connection* connection, const Ownership& owner, TimestampMs before,
                              int64_t timeout_ms) {
  const std::string old = " FROM vigil.detached_leaf WHERE detached_at < " + std::to_string(before);
  uint64_t dropped = 0;
  TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    const Rows rows = TRY(connection->Query("SELECT quote_ident(rel)" + old, timeout_ms));
    TRY(DropTables(connection, rows, timeout_ms));
    dropped = static_cast<uint64_t>(rows.size());
    return connection->Execute("DELETE" + old, timeout_ms);
  }));
  return dropped;
}

Result<uint64_t> DropOrphans(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  uint64_t dropped = 0;
  TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    const Rows rows = TRY(connection->Query(kOrphans, timeout_ms));
    dropped = static_cast<uint64_t>(rows.size());
    return DropTables(connection, rows, timeout_ms);
  }));
  return dropped;
}

}  // namespace vigil::postgres
