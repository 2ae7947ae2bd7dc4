// SPDX-License-Identifier: Apache-2.0
// What was read before a restart is likely read after it: the newest leaves are put into the cache
// before anybody asks.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/chunk_cache.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"

namespace vigil::postgres {

// Reads whole leaves, in the order given, until max_bytes of the cache are full, with what is
// around entries, or the table of the next one is larger than what is left. A leaf that is read is
// copied from end to end: about a microsecond per chunk, where looking chunks up takes several. A
// leaf that was replaced meanwhile is unavailable or internal; what was read before it stays.
// REQUIRES: the leaves were looked up while the registry was not stale.
Result<void> ReadLeavesAhead(Connection* connection, std::span<const Leaf> leaves,
                             uint64_t max_bytes, int64_t timeout_ms, const std::stop_token& stop,
                             ChunkCache* cache);

}  // namespace vigil::postgres
