// SPDX-License-Identifier: Apache-2.0
// The table alert_page: what was said about alerts, some hundred to a row. Of each alert the last
// version counts, unless it is gone since.
#pragma once

#include <cstdint>

#include "client-lib/base/result.h"
#include "server/alerting/state_store.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// Alerts and who of them is renewed. Returns how many versions and marks the table holds.
Result<int64_t> LoadAlertPages(Connection* connection, int64_t timeout_ms,
                               alerting::AlertingState* state);

// Versions first, then what moved on or is gone.
Result<void> WriteAlertPages(Connection* connection, const alerting::AlertingChanges& changes,
                             int64_t timeout_ms);

// Rewrites the table: what stands and nothing else. Returns how many alerts that are.
// REQUIRES: a transaction.
Result<int64_t> FoldAlertPages(Connection* connection, int64_t timeout_ms);

}  // namespace vigil::postgres
