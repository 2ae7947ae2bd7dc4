// SPDX-License-Identifier: Apache-2.0
// How long chunks are kept, by time and by size; always whole leaves go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/leaf_state.h"
#include "server/postgres/metrics.h"
#include "server/postgres/ownership.h"

namespace vigil::postgres {

// A configured class of series (vigil.retention_class).
struct RetentionClass {
  int32_t id = 0;
  std::string match;         // the selector as it was configured
  int64_t retention_ms = 0;  // 0: for ever
};

// How long roll-ups are kept; 0: none are made.
struct RollupPolicy {
  int64_t five_minutes_ms = 0;
  int64_t one_hour_ms = 0;
  // Queries take them instead of samples that are still there only when these are so old.
  int64_t use_after_ms = 86'400'000;

  // As in vigil.leaf: 1 is 5m, 2 is 1h.
  [[nodiscard]] int32_t Resolutions() const {
    return (five_minutes_ms != 0 ? 1 : 0) | (one_hour_ms != 0 ? 2 : 0);
  }
};

struct RetentionPolicy {
  int64_t time_ms = 15 * 86'400'000LL;  // of series in no class; 0: for ever
  uint64_t size_bytes = 0;              // of everything the store has in the database; 0: no limit
  std::vector<RetentionClass> classes;  // without the default one, the first match wins
  RollupPolicy rollups;

  // 0: for ever. A class that is no longer configured has the default.
  [[nodiscard]] int64_t RetentionOf(int32_t retention_class) const;
  // Samples of the class before this time are gone; INT64_MIN: none.
  [[nodiscard]] TimestampMs CutoffOf(int32_t retention_class, TimestampMs now) const;
};

// The policy in force, exchanged as a whole.
using SharedRetention = Guarded<std::shared_ptr<const RetentionPolicy>>;

struct RetentionReport {
  uint64_t by_time = 0;  // leaves dropped
  uint64_t by_size = 0;
  uint64_t bytes = 0;  // what the store has left
};

// Drops the leaves whose newest sample has expired (up to a day later when they wait for their
// roll-up), then the oldest closed ones until the rest fits the size (heap, indexes and TOAST of
// leaves, and the journal). The age counts from the newest
// sample there is, or from now when that is earlier: a clock that jumps ahead deletes nothing.
Result<RetentionReport> ApplyRetention(Connection* connection, const Ownership& owner,
                                       LeafRegistry* leaves, const RetentionPolicy& policy,
                                       TimestampMs now, int64_t timeout_ms);

}  // namespace vigil::postgres
