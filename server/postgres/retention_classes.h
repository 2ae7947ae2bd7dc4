// SPDX-License-Identifier: Apache-2.0
// The retention classes in the database: their ids never change, whatever the configuration says.
#pragma once

#include <cstdint>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"
#include "server/postgres/retention.h"

namespace vigil::postgres {

// Writes the classes of the policy to vigil.retention_class in their order, makes the tables of new
// ones, and fills in the ids. A class that was there before under the same match keeps its id.
// Guarded by the fence.
Result<void> SyncRetentionClasses(Connection* connection, const Ownership& owner,
                                  RetentionPolicy* policy, int64_t timeout_ms);

}  // namespace vigil::postgres
