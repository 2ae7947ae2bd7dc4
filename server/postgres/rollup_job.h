// SPDX-License-Identifier: Apache-2.0
// Writes and drops roll-ups (vigil.rollup_5m, vigil.rollup_1h).
#pragma once

#include <cstdint>
#include <stop_token>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/leaf_reader.h"
#include "server/postgres/leaf_state.h"
#include "server/postgres/ownership.h"
#include "server/postgres/retention.h"
#include "server/storage/tombstones.h"

namespace vigil::postgres {

struct RollupCounts {
  uint64_t rows = 0;
  uint64_t buckets = 0;
  uint64_t bytes = 0;    // of encoded columns
  uint64_t corrupt = 0;  // chunks that could not be decoded and are left out
};

// Whether the leaf's roll-ups are missing or of an older generation. Only merged leaves are rolled
// up, and only those of classes that are kept as long as the default one or longer.
bool NeedsRollup(const LeafState& state, const RetentionPolicy& policy);

// Rolls a merged leaf up in one transaction, guarded by the fence. unavailable when the leaf
// changed meanwhile: nothing was written.
Result<RollupCounts> RollUpLeaf(const LeafReadOptions& options, const Ownership& owner,
                                const LeafState& state, const RollupPolicy& policy,
                                const storage::Tombstones& tombstones, const Clock& clock,
                                const std::stop_token& stop);

// Removes the buckets that have samples the tombstone deletes, whole: those of leaves that are
// still there are made anew anyway, the others are all that was left. Guarded by the fence.
Result<void> PurgeRollups(Connection* connection, const Ownership& owner,
                          const storage::Tombstone& tombstone, int64_t timeout_ms);

// Drops the leaves of roll-ups that have expired; a resolution that is switched off loses nothing.
// Returns how many. Guarded by the fence.
Result<uint64_t> DropExpiredRollups(Connection* connection, const Ownership& owner,
                                    const RollupPolicy& policy, TimestampMs now,
                                    int64_t timeout_ms);

}  // namespace vigil::postgres
