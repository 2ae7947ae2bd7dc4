// SPDX-License-Identifier: Apache-2.0
// The leaves of the chunk table for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/storage/block.h"

namespace vigil::postgres {

// Of all classes, by time. Opens a connection of its own.
// Threads: any.
Result<std::vector<storage::Block>> ReadBlocks(const std::string& conninfo, int64_t timeout_ms);

}  // namespace vigil::postgres
