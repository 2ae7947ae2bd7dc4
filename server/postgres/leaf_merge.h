// SPDX-License-Identifier: Apache-2.0
// Rewrites the chunks of leaves into a new table: one chunk per series, ordered by metric and
// series.
#pragma once

#include <stop_token>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/leaf_reader.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/series_merge.h"

namespace vigil::postgres {

// Builds `to.table` (which must not exist) from the tables of `from`, which are neighbours of one
// class and together span [to.start, to.end). It is committed but neither attached nor registered:
// until SwapLeaves nobody knows it. Chunks that come to the leaves meanwhile may be missing in it.
// Deleted samples are left out. canceled when `stop` asks.
Result<MergeCounts> BuildMergedLeaf(const LeafReadOptions& options, const std::vector<Leaf>& from,
                                    const Leaf& to, const storage::Tombstones& tombstones,
                                    const Clock& clock, const std::stop_token& stop);

}  // namespace vigil::postgres
