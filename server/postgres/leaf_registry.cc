// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_registry.h"

#include <algorithm>
#include <utility>

namespace vigil::postgres {
namespace {

constexpr int64_t kMinuteMs = 60'000;

// Text for SQL; ids and times only, nothing to escape.
std::string CreateSql(const std::string& name, TimestampMs start, TimestampMs end) {
  const std::string table = "vigil." + name;
  const std::string from = std::to_string(start);
  const std::string to = std::to_string(end);
  // LIKE and ATTACH instead of PARTITION OF: readers of the parent are not locked out. Chunks are
  // only ever added, and dropped with their leaf: autovacuum would read them all for nothing.
  return "BEGIN; SET LOCAL lock_timeout = '5s'; CREATE TABLE " + table +
         " (LIKE vigil.chunk_c1 INCLUDING ALL) WITH (autovacuum_enabled = false); "
         "ALTER TABLE vigil.chunk_c1 ATTACH PARTITION " +
         table + " FOR VALUES FROM (" + from + ") TO (" + to +
         "); INSERT INTO vigil.leaf (class, min_time, end_time, rel, newest) VALUES (" +
         std::to_string(kDefaultClass) + ", " + from + ", " + to + ", '" + name + "', " + from +
         "); COMMIT";
}

bool StartsBefore(TimestampMs time, const Leaf& leaf) { return time < leaf.start; }

// The leaf that holds time, or end().
template <typename Leaves>
auto FindIn(Leaves& leaves, TimestampMs time) {
  auto it = std::upper_bound(leaves.begin(), leaves.end(), time, StartsBefore);
  if (it == leaves.begin() || time >= std::prev(it)->end) return leaves.end();
  return std::prev(it);
}

}  // namespace

TimestampMs LeafStart(TimestampMs time, int64_t leaf_ms) {
  const int64_t into = time % leaf_ms;
  return time - (into < 0 ? into + leaf_ms : into);
}

std::string LeafTableName(TimestampMs start) {
  const int64_t minutes = start / kMinuteMs;
  const std::string digits = std::to_string(minutes < 0 ? -minutes : minutes);
  return "chunk_c" + std::to_string(kDefaultClass) + "_" + (minutes < 0 ? "m" : "") + digits;
}

Result<void> LeafRegistry::Load(Connection* connection, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT quote_ident(rel), min_time, end_time, newest FROM vigil.leaf WHERE class = " +
          std::to_string(kDefaultClass) + " ORDER BY min_time",
      timeout_ms));
  std::vector<Leaf> leaves;
  for (int row = 0; row < rows.size(); ++row) {
    leaves.push_back({"vigil." + std::string(rows.Bytes(row, 0)), rows.Int(row, 1),
                      rows.Int(row, 2), rows.Int(row, 3)});
  }
  MutexLock lock(mutex_);
  leaves_ = std::move(leaves);
  return Ok();
}

Leaf LeafRegistry::Find(TimestampMs time) const {
  MutexLock lock(mutex_);
  const auto it = FindIn(leaves_, time);
  return it == leaves_.end() ? Leaf() : *it;
}

Result<Leaf> LeafRegistry::Create(Connection* connection, TimestampMs time, int64_t timeout_ms) {
  Leaf leaf;
  leaf.start = LeafStart(time, leaf_ms_);
  leaf.end = leaf.start + leaf_ms_;
  leaf.newest = leaf.start;
  {
    // Leaves of another length may be around after the setting was changed: fill the gap only.
    MutexLock lock(mutex_);
    const auto after = std::upper_bound(leaves_.begin(), leaves_.end(), time, StartsBefore);
    if (after != leaves_.end()) leaf.end = std::min(leaf.end, after->start);
    if (after != leaves_.begin()) leaf.start = std::max(leaf.start, std::prev(after)->end);
  }
  const std::string name = LeafTableName(leaf.start);
  leaf.table = "vigil." + name;
  auto created = connection->Execute(CreateSql(name, leaf.start, leaf.end), timeout_ms);
  if (!created) {
    Error error = std::move(created).error().Prefixed("creating the table " + leaf.table);
    if (!connection->broken()) TRY(connection->Execute("ROLLBACK", timeout_ms));
    return error;
  }
  MutexLock lock(mutex_);
  leaves_.insert(std::upper_bound(leaves_.begin(), leaves_.end(), leaf.start, StartsBefore), leaf);
  return leaf;
}

std::vector<Leaf> LeafRegistry::Overlapping(TimestampMs min_time, TimestampMs max_time) const {
  std::vector<Leaf> found;
  MutexLock lock(mutex_);
  for (const Leaf& leaf : leaves_) {
    if (leaf.start <= max_time && leaf.newest >= min_time) found.push_back(leaf);
  }
  return found;
}

void LeafRegistry::Raise(const std::string& table, TimestampMs newest) {
  MutexLock lock(mutex_);
  for (Leaf& leaf : leaves_) {
    if (leaf.table == table) leaf.newest = std::max(leaf.newest, newest);
  }
}

uint64_t LeafRegistry::size() const {
  MutexLock lock(mutex_);
  return leaves_.size();
}

}  // namespace vigil::postgres
