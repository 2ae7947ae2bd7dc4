// SPDX-License-Identifier: Apache-2.0
// The time-range leaves of the chunk table as this server knows them: a copy of vigil.leaf.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// Retention class of all chunks, as long as there is only one.
inline constexpr int32_t kDefaultClass = 1;

struct Leaf {
  std::string table;       // with schema, fit for SQL
  TimestampMs start = 0;   // chunks begin within [start, end)
  TimestampMs end = 0;     //
  TimestampMs newest = 0;  // max_time of any chunk in it
};

// Start of the leaf that time falls in, also for negative times.
TimestampMs LeafStart(TimestampMs time, int64_t leaf_ms);
// vigil.chunk_c1_<minutes since the epoch>; `m` stands for minus.
std::string LeafTableName(TimestampMs start);

// Threads: any.
class LeafRegistry {
 public:
  explicit LeafRegistry(int64_t leaf_ms) : leaf_ms_(leaf_ms) {}

  Result<void> Load(Connection* connection, int64_t timeout_ms);
  // The leaf that chunks starting at `time` go to; empty table when there is none yet.
  [[nodiscard]] Leaf Find(TimestampMs time) const;
  // Creates and attaches the leaf for `time` in a transaction of its own, then it is known.
  Result<Leaf> Create(Connection* connection, TimestampMs time, int64_t timeout_ms);
  // Leaves that may hold samples of [min_time, max_time], oldest first.
  [[nodiscard]] std::vector<Leaf> Overlapping(TimestampMs min_time, TimestampMs max_time) const;
  // A flush brought chunks up to `newest`. Raise it before the flush commits: too high only means
  // a look in vain.
  void Raise(const std::string& table, TimestampMs newest);
  [[nodiscard]] uint64_t size() const;

 private:
  const int64_t leaf_ms_;
  mutable Mutex mutex_;
  std::vector<Leaf> leaves_ GUARDED_BY(mutex_);  // by start
};

}  // namespace vigil::postgres
