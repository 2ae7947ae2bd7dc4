// SPDX-License-Identifier: Apache-2.0
// The time-range leaves of the chunk table as this server knows them: a copy of vigil.leaf.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// Retention class of series that no other class takes.
inline constexpr int32_t kDefaultClass = storage::kDefaultRetentionClass;

struct Leaf {
  std::string table;                        // with schema, fit for SQL
  int32_t retention_class = kDefaultClass;  //
  TimestampMs start = 0;                    // chunks begin within [start, end)
  TimestampMs end = 0;                      //
  TimestampMs newest = 0;                   // max_time of any chunk in it
  int32_t generation = 0;                   // how often it was rewritten
  bool thin = false;                        // its roll-ups know more samples than it has
  // Of its rows, as far as this server changes them; no two leaves ever have the same.
  uint64_t version = 0;
};

// Start of the leaf that time falls in, also for negative times.
TimestampMs LeafStart(TimestampMs time, int64_t leaf_ms);
// chunk_c<class>_<minutes since the epoch>, `m` stands for minus; _g<generation> behind it when
// the leaf was rewritten.
std::string LeafTableName(int32_t retention_class, TimestampMs start, int32_t generation = 0);
// The table of a class that its leaves are attached to, with schema.
std::string ClassTableName(int32_t retention_class);

// Threads: any.
class LeafRegistry {
 public:
  explicit LeafRegistry(int64_t leaf_ms) : leaf_ms_(leaf_ms) {}

  Result<void> Load(Connection* connection, int64_t timeout_ms);
  // Loads when MarkStale() was called since the last load.
  Result<void> LoadIfStale(Connection* connection, int64_t timeout_ms);
  // What is known may be wrong: a change was sent whose outcome is unknown.
  void MarkStale() { stale_ = true; }
  [[nodiscard]] bool stale() const { return stale_; }
  // The leaf that chunks starting at `time` go to; empty table when there is none yet.
  [[nodiscard]] Leaf Find(int32_t retention_class, TimestampMs time) const;
  // Creates and attaches the leaf for `time` in a transaction of its own, then it is known.
  Result<Leaf> Create(Connection* connection, int32_t retention_class, TimestampMs time,
                      int64_t timeout_ms);
  // Leaves that may hold samples of [min_time, max_time], by class, oldest first.
  [[nodiscard]] std::vector<Leaf> Overlapping(TimestampMs min_time, TimestampMs max_time) const;
  [[nodiscard]] std::vector<Leaf> All() const;
  // A flush brought chunks up to `newest`. Raise it before the flush commits: too high only means
  // a look in vain.
  void Raise(const std::string& table, TimestampMs newest);
  // Rows were written into these leaves, or may have been: call it when the outcome is known,
  // before anybody relies on the rows being there. They get new versions.
  void Changed(const std::vector<std::string>& tables);
  // The same of all leaves.
  void AllChanged();
  // Of any leaf so far.
  [[nodiscard]] uint64_t newest_version() const;
  // The leaves with these tables are gone; `added` (when it has a table) came in their place.
  void Replace(const std::vector<std::string>& gone, const Leaf& added);
  // Of any sample in any leaf; INT64_MIN without leaves.
  [[nodiscard]] TimestampMs Newest() const;
  [[nodiscard]] uint64_t size() const;

  // Held by whoever writes chunks into leaves, from the look-up to the commit, and by whoever
  // replaces or drops leaves: so no chunk goes to a table that is no leaf any more.
  Mutex writing;

 private:
  Result<bool> TryLoad(Connection* connection, int64_t timeout_ms);
  using Leaves = std::vector<Leaf>;

  const int64_t leaf_ms_;
  std::atomic<bool> stale_{false};
  mutable Mutex mutex_;
  Leaves leaves_ GUARDED_BY(mutex_);  // by class and start
  uint64_t version_ GUARDED_BY(mutex_) = 0;
  uint64_t edits_ GUARDED_BY(mutex_) = 0;  // of what the database may not say yet
};

}  // namespace vigil::postgres
