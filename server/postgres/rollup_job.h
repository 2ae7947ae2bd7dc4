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
#include "server/postgres/rollup_rows.h"
#include "server/storage/tombstones.h"

namespace vigil::postgres {

// Whether the leaf's roll-ups are missing or older than its chunks. Only leaves of classes that are
// kept as long as the default one or longer are rolled up.
bool AwaitsRollup(const LeafState& state, const RetentionPolicy& policy);
// The same of a leaf that is merged, so that it can be done now.
bool NeedsRollup(const LeafState& state, const RetentionPolicy& policy);

// Rolls a merged leaf up in one transaction, guarded by the fence. unavailable when the leaf
// changed meanwhile: nothing was written.
Result<RollupCounts> RollUpLeaf(const LeafReadOptions& options, const Ownership& owner,
                                const LeafState& state, const RollupPolicy& policy,
                                const storage::Tombstones& tombstones, const Clock& clock,
                                const std::stop_token& stop);

// Removes the buckets that have samples the tombstone deletes, whole, where they are all that is
// left: those of leaves that are still there are made anew without them. Guarded by the fence.
Result<void> PurgeRollups(Connection* connection, const Ownership& owner,
                          const storage::Tombstone& tombstone, int64_t timeout_ms);

// Drops the leaves of roll-ups that have expired; a resolution that is switched off loses nothing.
// Returns how many. Guarded by the fence.
Result<uint64_t> DropExpiredRollups(Connection* connection, const Ownership& owner,
                                    const RollupPolicy& policy, TimestampMs now,
                                    int64_t timeout_ms);

}  // namespace vigil::postgres
