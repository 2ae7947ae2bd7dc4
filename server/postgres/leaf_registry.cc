// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/leaf_registry.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vigil::postgres {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int kLoadAttempts = 5;

// Text for SQL; ids and times only, nothing to escape.
std::string CreateSql(const Leaf& leaf, const std::string& name, bool replaced) {
  const std::string parent = ClassTableName(leaf.retention_class);
  const std::string from = std::to_string(leaf.start);
  const std::string to = std::to_string(leaf.end);
  // LIKE and ATTACH instead of PARTITION OF: readers of the parent are not locked out. Chunks are
  // only ever added, and dropped with their leaf: autovacuum would read them all for nothing.
  std::string sql = "BEGIN; SET LOCAL lock_timeout = '5s'; ";
  if (replaced) {
    sql += "DROP TABLE " + leaf.table + "; DELETE FROM vigil.detached_leaf WHERE rel = '" + name +
           "'; ";
  }
  return sql + "CREATE TABLE " + leaf.table + " (LIKE " + parent +
         " INCLUDING ALL) WITH (autovacuum_enabled = false); ALTER TABLE " + parent +
         " ATTACH PARTITION " + leaf.table + " FOR VALUES FROM (" + from + ") TO (" + to +
         "); INSERT INTO vigil.leaf (class, min_time, end_time, rel, newest) VALUES (" +
         std::to_string(leaf.retention_class) + ", " + from + ", " + to + ", '" + name + "', " +
         from + "); COMMIT";
}

bool Before(const Leaf& a, const Leaf& b) {
  return std::tie(a.retention_class, a.start) < std::tie(b.retention_class, b.start);
}

// The first leaf of a later class, or of this one and starting behind time.
auto FirstAfter(const std::vector<Leaf>& leaves, int32_t retention_class, TimestampMs time) {
  Leaf key;
  key.retention_class = retention_class;
  key.start = time;
  return std::upper_bound(leaves.begin(), leaves.end(), key, Before);
}

}  // namespace

TimestampMs LeafStart(TimestampMs time, int64_t leaf_ms) {
  const int64_t into = time % leaf_ms;
  return time - (into < 0 ? into + leaf_ms : into);
}

std::string ClassTableName(int32_t retention_class) {
  return "vigil.chunk_c" + std::to_string(retention_class);
}

std::string LeafTableName(int32_t retention_class, TimestampMs start, int32_t generation) {
  const int64_t minutes = start / kMinuteMs;
  std::string name = "chunk_c" + std::to_string(retention_class) + "_" + (minutes < 0 ? "m" : "") +
                     std::to_string(minutes < 0 ? -minutes : minutes);
  if (generation > 0) name += "_g" + std::to_string(generation);
  return name;
}

Result<void> LeafRegistry::Load(Connection* connection, int64_t timeout_ms) {
  for (int attempt = 0; attempt < kLoadAttempts; ++attempt) {
    if (TRY(TryLoad(connection, timeout_ms))) return Ok();
  }
  stale_ = true;
  return Unavailable("the list of chunk tables changed again and again while it was read");
}

// False when a swap, a new leaf or a flush came between the reading and the taking over: what was
// read may be older than what is known.
Result<bool> LeafRegistry::TryLoad(Connection* connection, int64_t timeout_ms) {
  const uint64_t before = [this] {
    MutexLock lock(mutex_);
    return edits_;
  }();
  stale_ = false;
  auto rows = connection->Query(
      "SELECT quote_ident(rel), min_time, end_time, newest, class, generation, thin FROM "
      "vigil.leaf "
      "ORDER BY class, min_time",
      timeout_ms);
  if (!rows) {
    stale_ = true;
    return std::move(rows).error();
  }
  Leaves leaves;
  for (int row = 0; row < rows->size(); ++row) {
    Leaf& leaf = leaves.emplace_back();
    leaf.table = "vigil." + std::string(rows->Bytes(row, 0));
    leaf.start = rows->Int(row, 1);
    leaf.end = rows->Int(row, 2);
    leaf.newest = rows->Int(row, 3);
    leaf.retention_class = static_cast<int32_t>(rows->Int(row, 4));
    leaf.generation = static_cast<int32_t>(rows->Int(row, 5));
    leaf.thin = rows->Bool(row, 6);
  }
  MutexLock lock(mutex_);
  if (edits_ != before) return false;
  // A flush raises `newest` before it commits.
  for (const Leaf& known : leaves_) {
    for (Leaf& leaf : leaves) {
      if (leaf.table == known.table) leaf.newest = std::max(leaf.newest, known.newest);
    }
  }
  leaves_ = std::move(leaves);
  for (Leaf& leaf : leaves_) leaf.version = ++version_;
  return true;
}

Result<void> LeafRegistry::LoadIfStale(Connection* connection, int64_t timeout_ms) {
  return stale_ ? Load(connection, timeout_ms) : Ok();
}

Leaf LeafRegistry::Find(int32_t retention_class, TimestampMs time) const {
  MutexLock lock(mutex_);
  const auto after = FirstAfter(leaves_, retention_class, time);
  if (after == leaves_.begin()) return {};
  const Leaf& leaf = *std::prev(after);
  return leaf.retention_class == retention_class && time < leaf.end ? leaf : Leaf();
}

Result<Leaf> LeafRegistry::Create(Connection* connection, int32_t retention_class, TimestampMs time,
                                  int64_t timeout_ms) {
  Leaf leaf;
  leaf.retention_class = retention_class;
  leaf.start = LeafStart(time, leaf_ms_);
  leaf.end = leaf.start + leaf_ms_;
  {
    // Leaves of another length may be around after the setting was changed or four were merged
    // into one: fill the gap only.
    MutexLock lock(mutex_);
    const auto after = FirstAfter(leaves_, retention_class, time);
    if (after != leaves_.end() && after->retention_class == retention_class) {
      leaf.end = std::min(leaf.end, after->start);
    }
    if (after != leaves_.begin() && std::prev(after)->retention_class == retention_class) {
      leaf.start = std::max(leaf.start, std::prev(after)->end);
    }
  }
  leaf.newest = leaf.start;
  const std::string name = LeafTableName(retention_class, leaf.start);
  leaf.table = "vigil." + name;
  // A leaf that was merged and dropped a moment ago comes back: what a merge has replaced waits
  // under its name.
  const Rows replaced = TRY(connection->Query(
      "SELECT 1 FROM vigil.detached_leaf WHERE rel = '" + name + "'", timeout_ms));
  auto created = connection->Execute(CreateSql(leaf, name, replaced.size() > 0), timeout_ms);
  if (!created) {
    Error error = std::move(created).error().Prefixed("creating the table " + leaf.table);
    if (!connection->broken()) TRY(connection->Execute("ROLLBACK", timeout_ms));
    return error;
  }
  Replace({}, leaf);
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

std::vector<Leaf> LeafRegistry::All() const {
  MutexLock lock(mutex_);
  return leaves_;
}

void LeafRegistry::Raise(const std::string& table, TimestampMs newest) {
  MutexLock lock(mutex_);
  ++edits_;
  for (Leaf& leaf : leaves_) {
    if (leaf.table == table) leaf.newest = std::max(leaf.newest, newest);
  }
}

void LeafRegistry::Changed(const std::vector<std::string>& tables) {
  MutexLock lock(mutex_);
  for (Leaf& leaf : leaves_) {
    if (std::find(tables.begin(), tables.end(), leaf.table) != tables.end()) {
      leaf.version = ++version_;
    }
  }
}

void LeafRegistry::AllChanged() {
  MutexLock lock(mutex_);
  for (Leaf& leaf : leaves_) leaf.version = ++version_;
}

uint64_t LeafRegistry::newest_version() const {
  MutexLock lock(mutex_);
  return version_;
}

void LeafRegistry::Replace(const std::vector<std::string>& gone, const Leaf& added) {
  MutexLock lock(mutex_);
  ++edits_;
  std::erase_if(leaves_, [&gone](const Leaf& leaf) {
    return std::find(gone.begin(), gone.end(), leaf.table) != gone.end();
  });
  if (added.table.empty()) return;
  const auto at = std::upper_bound(leaves_.begin(), leaves_.end(), added, Before);
  leaves_.insert(at, added)->version = ++version_;
}

TimestampMs LeafRegistry::Newest() const {
  MutexLock lock(mutex_);
  TimestampMs newest = INT64_MIN;
  for (const Leaf& leaf : leaves_) newest = std::max(newest, leaf.newest);
  return newest;
}

uint64_t LeafRegistry::size() const {
  MutexLock lock(mutex_);
  return leaves_.size();
}

}  // namespace vigil::postgres
