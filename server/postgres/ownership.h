// SPDX-License-Identifier: Apache-2.0
// Who may write: the ingester row with its epoch is the fence, a lease and a session lock decide
// who may raise the epoch.
#pragma once

#include <cstdint>
#include <string>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/storage/storage.h"

namespace vigil::postgres {

// One journal stream. There is one per database as yet.
inline constexpr int32_t kIngester = 1;

struct Ownership {
  int32_t ingester = kIngester;
  int64_t epoch = 0;
  // What chunks cover already.
  storage::JournalPosition flushed = 0;
};

// Raises the epoch and takes the lease, when the session that held the ingester is gone (its
// advisory lock is free) or its lease ran out; waits for that at most wait_ms. From then on every
// transaction of the former owner fails. The connection must be the journal's: its session holds
// the lock.
Result<Ownership> TakeOwnership(Connection* connection, const std::string& instance,
                                int64_t lease_ms, int64_t wait_ms, int64_t timeout_ms);

// Inside a transaction: locks the ingester row in share mode until the end of the transaction, so
// that no other server can take over in between. not_found when another one already has.
Result<void> HoldFence(Connection* connection, const Ownership& owner, int64_t timeout_ms);

// Extends the lease; takes the session's lock again after a reconnect. not_found when fenced.
Result<void> RenewLease(Connection* connection, const Ownership& owner, int64_t lease_ms,
                        int64_t timeout_ms);

// Ends the lease now, so that the next server need not wait.
Result<void> GiveUpOwnership(Connection* connection, const Ownership& owner, int64_t timeout_ms);

}  // namespace vigil::postgres
