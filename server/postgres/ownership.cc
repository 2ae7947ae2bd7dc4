// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/ownership.h"

#include <chrono>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/postgres/members.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kPollMs = 200;
// First half of the two-part advisory lock key; the second is the ingester.
constexpr std::string_view kLockClass = "1986619244";

std::string LockKey(int32_t ingester) {
  return std::string(kLockClass) + ", " + std::to_string(ingester);
}

// The same as a condition on pg_locks; `row` is "" or "alias.".
std::string SessionLock(int32_t ingester, const std::string& row) {
  return row + "locktype = 'advisory' AND " + row + "classid = " + std::string(kLockClass) +
         " AND " + row + "objid = " + std::to_string(ingester) + " AND " + row + "objsubid = 2";
}

Error Fenced() {
  return NotFound(
      "another vigil-server has taken this database over: end one of them, or give each its own");
}

Error InUse(const std::string& holder) {
  return Unavailable("the database is in use by another vigil-server (" + holder +
                     "): stop that one, or give this one its own database");
}

// A value for SQL text: ours are numbers and one name.
std::string Literal(std::string_view text) {
  std::string mended;
  const bool changed = MendText(text, &mended);
  std::string literal = "'";
  for (const char c : changed ? std::string_view(mended) : text) {
    literal += c;
    if (c == '\'') literal += c;
  }
  return literal + "'";
}

std::string Lease(int64_t lease_ms) {
  return "clock_timestamp() + interval '" + std::to_string(lease_ms) + " ms'";
}

std::string Mine(const Ownership& owner) {
  return "id = " + std::to_string(owner.ingester) + " AND epoch = " + std::to_string(owner.epoch);
}

// An owner that hangs keeps the lock, and in the middle of a transaction the fence, which would
// keep everybody out for as long as its machine keeps the connection. Only once its lease has run
// out, and only sessions from before that: others belong to whoever takes over just now.
void EndHangingSessions(Connection* connection, int64_t timeout_ms) {
  Result<void> ended = connection->Execute(
      "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
      "JOIN vigil.ingester i ON a.backend_start < i.lease_until AND i.id = " +
          std::to_string(kIngester) +
          " AND i.lease_until < clock_timestamp() WHERE l.database = "
          "(SELECT oid FROM pg_database WHERE datname = current_database()) "
          "AND l.pid <> pg_backend_pid() AND l.granted "
          "AND (l.locktype = 'relation' AND l.relation = 'vigil.ingester'::regclass "
          "AND l.mode = 'RowShareLock' OR " +
          SessionLock(kIngester, "l.") + ")",
      timeout_ms);
  if (!ended) {
    log::Warn("postgres", "the sessions of the owner that hangs could not be ended",
              {{"err", ended.error()}});
  }
}

Result<bool> TryLock(Connection* connection, int64_t timeout_ms) {
  const Rows lock =
      TRY(connection->Query("SELECT pg_try_advisory_lock(" + LockKey(kIngester) + ")", timeout_ms));
  return lock.Bool(0, 0);
}

// A taker that hangs lets go of the row.
constexpr const char* kTakerSettings = "SET LOCAL idle_in_transaction_session_timeout = '10s'";

// The epoch, raised; 0 when the ingester is held by a live server. REQUIRES: a transaction.
Result<void> RaiseEpoch(Connection* connection, const Claim& claim, Ownership* owner,
                        int64_t timeout_ms) {
  const std::string mine = " WHERE id = " + std::to_string(kIngester);
  std::string free = mine;
  if (claim.seen_epoch) free += " AND epoch = " + std::to_string(*claim.seen_epoch);
  if (!owner->locked) free += " AND lease_until < clock_timestamp()";
  // An update alone would let transactions pass that hold the fence.
  const Rows held =
      TRY(connection->Query("SELECT 1 FROM vigil.ingester" + free + " FOR UPDATE", timeout_ms));
  if (held.size() != 1) return Ok();
  const Rows rows = TRY(connection->Query(
      "UPDATE vigil.ingester SET epoch = epoch + 1, instance = " + Literal(claim.instance) +
          ", lease_until = " + Lease(claim.lease_ms) + mine + " RETURNING epoch, flushed_seq",
      timeout_ms));
  if (rows.size() != 1) return Ok();
  owner->epoch = rows.Int(0, 0);
  owner->flushed = static_cast<storage::JournalPosition>(rows.Int(0, 1));
  return Ok();
}

// One attempt: epoch 0 when the ingester is held by a live server.
Result<Ownership> TryTake(Connection* connection, const Claim& claim, int64_t timeout_ms) {
  Ownership owner;
  owner.locked = TRY(TryLock(connection, timeout_ms));
  if (!owner.locked) EndHangingSessions(connection, timeout_ms);
  TRY(InTransaction(connection, kTakerSettings, timeout_ms,
                    [&] { return RaiseEpoch(connection, claim, &owner, timeout_ms); }));
  if (owner.epoch != 0 && !owner.locked) owner.locked = TRY(TryLock(connection, timeout_ms));
  if (owner.epoch == 0 && owner.locked) {
    TRY(connection->Query("SELECT pg_advisory_unlock(" + LockKey(kIngester) + ")", timeout_ms));
  }
  return owner;
}

Result<std::string> Holder(Connection* connection, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT instance FROM vigil.ingester WHERE id = " + std::to_string(kIngester), timeout_ms));
  return rows.size() == 1 ? std::string(rows.Bytes(0, 0)) : std::string("?");
}

}  // namespace

Result<OwnerState> ReadOwner(Connection* connection, int64_t timeout_ms) {
  OwnerState state;
  const Rows known = TRY(connection->Query(
      "SELECT to_regclass('vigil.ingester') IS NOT NULL, to_regclass('vigil.member') IS NOT NULL, "
      "pg_is_in_recovery()",
      timeout_ms));
  state.in_recovery = known.Bool(0, 2);
  if (!known.Bool(0, 0)) return state;
  state.has_members = known.Bool(0, 1);
  // A lease that never was is -infinity.
  const Rows rows = TRY(connection->Query(
      "SELECT epoch, instance, EXISTS (SELECT FROM pg_locks WHERE granted AND " +
          SessionLock(kIngester, "") +
          " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), "
          "CASE WHEN lease_until > clock_timestamp() THEN "
          "ceil(extract(epoch FROM lease_until - clock_timestamp()) * 1000)::int8 ELSE 0 END "
          "FROM vigil.ingester WHERE id = " +
          std::to_string(kIngester),
      timeout_ms));
  if (rows.size() == 0) return state;
  state.epoch = rows.Int(0, 0);
  state.instance = rows.Bytes(0, 1);
  state.locked = rows.Bool(0, 2);
  state.lease_left_ms = rows.Int(0, 3);
  if (!state.has_members) return state;
  const Rows leader = TRY(connection->Query(
      "SELECT url, floor(extract(epoch FROM since) * 1000)::int8 FROM vigil.member "
      "WHERE role = 'leader'",
      timeout_ms));
  state.given_back = leader.size() == 0;
  if (state.given_back) return state;
  state.url = leader.Bytes(0, 0);
  state.since = leader.Int(0, 1);
  return state;
}

Result<Ownership> TakeOwnership(Connection* connection, const Claim& claim, int64_t wait_ms,
                                int64_t timeout_ms) {
  const int64_t deadline_ns = Clock::System().MonotonicNs() + wait_ms * 1'000'000;
  while (true) {
    const Ownership owner = TRY(TryTake(connection, claim, timeout_ms));
    if (owner.epoch != 0) {
      if (!claim.url.empty()) {
        TRY(RegisterLeader(connection, owner, claim.url, claim.instance, timeout_ms));
      }
      return owner;
    }
    if (Clock::System().MonotonicNs() >= deadline_ns) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return InUse(TRY(Holder(connection, timeout_ms)));
}

Result<void> AwaitFree(Connection* connection, int64_t wait_ms, int64_t timeout_ms) {
  const int64_t deadline_ns = Clock::System().MonotonicNs() + wait_ms * 1'000'000;
  while (true) {
    const OwnerState owner = TRY(ReadOwner(connection, timeout_ms));
    if (!owner.locked || owner.lease_left_ms <= 0) return Ok();
    if (Clock::System().MonotonicNs() >= deadline_ns) return InUse(owner.instance);
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

Result<void> HoldFence(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT 1 FROM vigil.ingester WHERE " + Mine(owner) + " FOR KEY SHARE", timeout_ms));
  return rows.size() == 1 ? Ok() : Result<void>(Fenced());
}

Result<void> CheckOwner(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  const Rows rows =
      TRY(connection->Query("SELECT 1 FROM vigil.ingester WHERE " + Mine(owner), timeout_ms));
  return rows.size() == 1 ? Ok() : Result<void>(Fenced());
}

Result<bool> RenewLease(Connection* connection, const Ownership& owner, int64_t lease_ms,
                        int64_t timeout_ms) {
  // A session may hold an advisory lock several times: ask first, or it would count up. The lock is
  // a hint; the epoch decides.
  const Rows locked = TRY(connection->Query(
      "SELECT CASE WHEN EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND " +
          SessionLock(owner.ingester, "") + ") THEN true ELSE pg_try_advisory_lock(" +
          LockKey(owner.ingester) + ") END",
      timeout_ms));
  const Rows renewed =
      TRY(connection->Query("WITH renewed AS (UPDATE vigil.ingester SET lease_until = " +
                                Lease(lease_ms) + " WHERE " + Mine(owner) +
                                " RETURNING 1), seen AS (UPDATE vigil.member SET seen_at = "
                                "clock_timestamp() WHERE role = 'leader' AND EXISTS "
                                "(SELECT FROM renewed)) SELECT 1 FROM renewed",
                            timeout_ms));
  if (renewed.size() != 1) return Fenced();
  return locked.Bool(0, 0);
}

Result<void> GiveUpOwnership(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  return connection->Execute(
      "WITH given AS (UPDATE vigil.ingester SET lease_until = clock_timestamp() WHERE " +
          Mine(owner) +
          " RETURNING 1) DELETE FROM vigil.member WHERE role = 'leader' "
          "AND EXISTS (SELECT FROM given)",
      timeout_ms);
}

}  // namespace vigil::postgres
