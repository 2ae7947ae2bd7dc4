// SPDX-License-Identifier: Apache-2.0
// The tombstones in the database (vigil.tombstone).
#pragma once

#include <cstdint>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_state.h"
#include "server/postgres/ownership.h"
#include "server/storage/tombstones.h"

namespace vigil::postgres {

Result<std::vector<storage::Tombstone>> LoadTombstones(Connection* connection, int64_t timeout_ms);

// Fills in the id. Guarded by the fence.
Result<void> InsertTombstone(Connection* connection, const Ownership& owner, TimestampMs now,
                             storage::Tombstone* tombstone, int64_t timeout_ms);

// Guarded by the fence.
Result<void> DeleteTombstone(Connection* connection, const Ownership& owner, int64_t id,
                             int64_t timeout_ms);

// Whether chunks of the leaf may have samples that the tombstone deletes.
Result<bool> LeafHasDeleted(Connection* connection, const Leaf& leaf,
                            const storage::Tombstone& tombstone, int64_t timeout_ms);

// Records that tombstones up to `id` are applied to the leaf, unless chunks came since `state` was
// read. Guarded by the fence.
Result<void> MarkPurged(Connection* connection, const Ownership& owner, const LeafState& state,
                        int64_t id, int64_t timeout_ms);

}  // namespace vigil::postgres
