// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/ownership.h"

#include <chrono>
#include <thread>

#include "client-lib/base/clock.h"
#include "client-lib/base/strings.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kPollMs = 200;
// First half of the two-part advisory lock key; the second is the ingester.
constexpr std::string_view kLockClass = "1986619244";

std::string LockKey(int32_t ingester) {
  return std::string(kLockClass) + ", " + std::to_string(ingester);
}

Error Fenced() {
  return NotFound(
      "another vigil-server has taken this database over: end one of them, or give each its own");
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

// One attempt: epoch 0 when the ingester is held by a live server.
Result<Ownership> TryTake(Connection* connection, const std::string& instance, int64_t lease_ms,
                          int64_t timeout_ms) {
  const std::string id = std::to_string(kIngester);
  const Rows lock =
      TRY(connection->Query("SELECT pg_try_advisory_lock(" + LockKey(kIngester) + ")", timeout_ms));
  std::string sql = "UPDATE vigil.ingester SET epoch = epoch + 1, instance = " + Literal(instance) +
                    ", lease_until = " + Lease(lease_ms) + " WHERE id = " + id;
  if (!lock.Bool(0, 0)) sql += " AND lease_until < clock_timestamp()";
  sql += " RETURNING epoch, flushed_seq";
  const Rows rows = TRY(connection->Query(sql, timeout_ms));
  Ownership owner;
  if (rows.size() == 1) {
    owner.epoch = rows.Int(0, 0);
    owner.flushed = static_cast<storage::JournalPosition>(rows.Int(0, 1));
  }
  return owner;
}

Result<std::string> Holder(Connection* connection, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT instance FROM vigil.ingester WHERE id = " + std::to_string(kIngester), timeout_ms));
  return rows.size() == 1 ? std::string(rows.Bytes(0, 0)) : std::string("?");
}

}  // namespace

Result<Ownership> TakeOwnership(Connection* connection, const std::string& instance,
                                int64_t lease_ms, int64_t wait_ms, int64_t timeout_ms) {
  const int64_t deadline_ns = Clock::System().MonotonicNs() + wait_ms * 1'000'000;
  while (true) {
    const Ownership owner = TRY(TryTake(connection, instance, lease_ms, timeout_ms));
    if (owner.epoch != 0) return owner;
    if (Clock::System().MonotonicNs() >= deadline_ns) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return Unavailable("the database is in use by another vigil-server (" +
                     TRY(Holder(connection, timeout_ms)) +
                     "): stop that one, or give this one its own database");
}

Result<void> HoldFence(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  const Rows rows = TRY(connection->Query(
      "SELECT 1 FROM vigil.ingester WHERE " + Mine(owner) + " FOR SHARE", timeout_ms));
  return rows.size() == 1 ? Ok() : Result<void>(Fenced());
}

Result<void> RenewLease(Connection* connection, const Ownership& owner, int64_t lease_ms,
                        int64_t timeout_ms) {
  const std::string key = LockKey(owner.ingester);
  // A session may hold an advisory lock several times: ask first, or it would count up.
  const Rows rows = TRY(connection->Query(
      "SELECT CASE WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = "
      "pg_backend_pid() AND classid = " +
          std::string(kLockClass) + " AND objid = " + std::to_string(owner.ingester) +
          ") THEN true ELSE pg_try_advisory_lock(" + key + ") END",
      timeout_ms));
  static_cast<void>(rows);  // the lock is a hint; the epoch decides
  const Rows renewed =
      TRY(connection->Query("UPDATE vigil.ingester SET lease_until = " + Lease(lease_ms) +
                                " WHERE " + Mine(owner) + " RETURNING 1",
                            timeout_ms));
  return renewed.size() == 1 ? Ok() : Result<void>(Fenced());
}

Result<void> GiveUpOwnership(Connection* connection, const Ownership& owner, int64_t timeout_ms) {
  return connection->Execute(
      "UPDATE vigil.ingester SET lease_until = clock_timestamp() WHERE " + Mine(owner), timeout_ms);
}

}  // namespace vigil::postgres
