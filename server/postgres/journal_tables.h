// SPDX-License-Identifier: Apache-2.0
// The journal's tables in the database: which positions each of them holds.
#pragma once

#include <array>
#include <cstdint>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/journal_ring.h"
#include "server/storage/storage.h"

namespace vigil::postgres {

struct JournalSpan {
  storage::JournalPosition oldest = 0;  // 0: the table holds nothing of the ingester
  storage::JournalPosition newest = 0;
};
using JournalSpans = std::array<JournalSpan, kJournalTables>;

Result<JournalSpans> ReadJournalSpans(Connection* connection, int32_t ingester, int64_t timeout_ms);

// The newest position of all tables, 0 when they are empty.
storage::JournalPosition NewestOf(const JournalSpans& spans);

// Empties the table unless some ingester has pages in it that no flush covers. Gives up after a
// short wait for the lock, so that a long SQL query never holds writers up. False when it did not.
Result<bool> TruncateIfCovered(Connection* connection, int slot, int64_t timeout_ms);

}  // namespace vigil::postgres
