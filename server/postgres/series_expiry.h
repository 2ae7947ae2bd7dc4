// SPDX-License-Identifier: Apache-2.0
// Series whose data has all expired leave the catalogue, so that the index of the next start is
// smaller. A running server may get samples for any series it knows, and its journal may hold some.
// So series are only noted while it runs, and dropped at a clean stop behind the last flush, those
// that still have nothing.
#pragma once

#include <cstdint>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct ExpiryStep {
  uint64_t noted = 0;
  storage::SeriesId last = 0;  // that was looked at; INT64_MAX behind the last one
};

// Notes those of the next some thousand series of the catalogue, behind the id `from`, that have
// no data.
Result<ExpiryStep> NoteExpiredSeries(Connection* connection, storage::SeriesId from,
                                     int64_t timeout_ms);

// Drops the noted series that have no chunk and no roll-up. REQUIRES: everything is flushed, and
// nothing can be appended any more. Returns how many were dropped.
Result<uint64_t> DropExpiredSeries(Connection* connection, const Ownership& owner,
                                   int64_t timeout_ms);

}  // namespace vigil::postgres
