// SPDX-License-Identifier: Apache-2.0
// What the database says about its leaves, and the short transactions that replace or drop them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/ownership.h"
#include "server/postgres/series_merge.h"

namespace vigil::postgres {

// A row of vigil.leaf.
struct LeafState {
  Leaf leaf;
  int64_t chunks = 0;
  int64_t merged_chunks = 0;  // when it was merged last; more chunks now: late ones came
  TimestampMs merged_at = 0;
  int64_t purged = 0;  // tombstones up to this id are applied
  int32_t rolled_up = -1;
  bool thin = false;        // its roll-ups know more samples than it has
  int32_t resolutions = 0;  // of its roll-ups, as RollupPolicy::Resolutions()
};

// By class and start.
Result<std::vector<LeafState>> ReadLeafStates(Connection* connection, int64_t timeout_ms);

// What comes in the place of leaves.
struct LeafReplacement {
  Leaf leaf;
  MergeCounts counts;
  int64_t purged = 0;
  bool same_samples = false;  // as the leaves had when they were merged last
  TimestampMs now = 0;
};

enum class SwapOutcome {
  kDone,
  kOverrun,  // chunks came since `from` was read: nothing was changed
};

// In one transaction: detaches the leaves, attaches the built table, changes the registry. Guarded
// by the fence. Waits for locks half a second at most (unavailable then: try again).
// REQUIRES: LeafRegistry::writing is held.
Result<SwapOutcome> SwapLeaves(Connection* connection, const Ownership& owner,
                               const std::vector<LeafState>& from, const LeafReplacement& to,
                               int64_t timeout_ms);

// Detaches and drops the leaf for good: retention. As SwapLeaves.
Result<SwapOutcome> DropLeaf(Connection* connection, const Ownership& owner, const LeafState& state,
                             int64_t timeout_ms);

// Drops the tables that were detached before `before`. Guarded by the fence. Returns how many.
Result<uint64_t> DropDetached(Connection* connection, const Ownership& owner, TimestampMs before,
                              int64_t timeout_ms);

// Drops tables of leaves that nothing knows: of merges that a crash or an error cut short.
// Guarded by the fence. REQUIRES: no merge is running. Returns how many.
Result<uint64_t> DropOrphans(Connection* connection, const Ownership& owner, int64_t timeout_ms);

}  // namespace vigil::postgres
