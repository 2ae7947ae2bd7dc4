// SPDX-License-Identifier: Apache-2.0
// Who may write: the ingester row with its epoch is the fence, a lease and a session lock decide
// who may raise the epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client-lib/base/clock.h"
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
  // Its session holds the lock that tells others it lives.
  bool locked = true;
};

// Who asks for the database.
struct Claim {
  std::string instance;  // host:port, for people
  std::string url;       // where other servers reach it; empty: it is not told
  int64_t lease_ms = 30'000;
  // What the decision to take over was made of: refused when somebody else was faster.
  std::optional<int64_t> seen_epoch;
};

// What anybody may see of the owner.
struct OwnerState {
  int64_t epoch = 0;  // 0: nobody has owned the database yet
  std::string instance;
  std::string url;            // empty: it did not say
  TimestampMs since = 0;      // 0: it did not say
  bool locked = false;        // its session lives
  int64_t lease_left_ms = 0;  // not positive: the lease has run out, or was given back
  bool has_members = false;   // the schema knows of standbys
  bool given_back = false;    // the owner stopped in order
  bool in_recovery = false;   // a replica: nobody can take it over
};

// Also of a database without a schema, whose epoch is 0. Changes nothing.
Result<OwnerState> ReadOwner(Connection* connection, int64_t timeout_ms);

// Raises the epoch and takes the lease, when the session that held the ingester is gone (its
// advisory lock is free) or its lease ran out; waits for that at most wait_ms. From then on every
// transaction of the former owner fails; the sessions of an owner that hangs are ended. The
// connection must be the journal's: its session holds the lock. unavailable names the server that
// has the database.
Result<Ownership> TakeOwnership(Connection* connection, const Claim& claim, int64_t wait_ms,
                                int64_t timeout_ms);

// Waits at most wait_ms until no live server has the database; unavailable names the one that has.
// Takes nothing.
Result<void> AwaitFree(Connection* connection, int64_t wait_ms, int64_t timeout_ms);

// Inside a transaction: locks the key of the ingester row in share mode until the end of the
// transaction, so that no other server can take over in between; the lease is renewed beside it.
// not_found when another one already has.
Result<void> HoldFence(Connection* connection, const Ownership& owner, int64_t timeout_ms);

// The same without lock and transaction: how it is at this moment.
Result<void> CheckOwner(Connection* connection, const Ownership& owner, int64_t timeout_ms);

// Extends the lease; takes the session's lock again after a reconnect. not_found when fenced.
// False: another session has the lock still, and others may take this server for dead: ask again
// soon.
Result<bool> RenewLease(Connection* connection, const Ownership& owner, int64_t lease_ms,
                        int64_t timeout_ms);

// Ends the lease now, so that the next server need not wait.
Result<void> GiveUpOwnership(Connection* connection, const Ownership& owner, int64_t timeout_ms);

}  // namespace vigil::postgres
