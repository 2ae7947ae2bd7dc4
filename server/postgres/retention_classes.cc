// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/retention_classes.h"

#include <string>

#include "server/postgres/leaf_registry.h"
#include "server/postgres/transaction.h"

namespace vigil::postgres {
namespace {

// int2 in the tables.
constexpr int64_t kMaxClass = 32'767;

Result<void> MakeClassTable(Connection* connection, int32_t id, int64_t timeout_ms) {
  const std::string table = ClassTableName(id);
  const Rows exists =
      TRY(connection->Query("SELECT to_regclass('" + table + "') IS NOT NULL", timeout_ms));
  if (exists.Bool(0, 0)) return Ok();
  // LIKE and ATTACH: readers of vigil.chunk are not locked out.
  return connection->Execute("CREATE TABLE " + table +
                                 " (LIKE vigil.chunk INCLUDING ALL) PARTITION BY RANGE (min_time); "
                                 "ALTER TABLE vigil.chunk ATTACH PARTITION " +
                                 table + " FOR VALUES IN (" + std::to_string(id) + ")",
                             timeout_ms);
}

Result<int32_t> SyncClass(Connection* connection, const RetentionClass& one, int64_t rank,
                          int64_t timeout_ms) {
  Parameters parameters;
  std::string mended;
  parameters.Text(MendText(one.match, &mended) ? mended : one.match)
      .Int8(one.retention_ms)
      .Int8(rank);
  const Rows rows = TRY(connection->Query(
      "INSERT INTO vigil.retention_class (id, match, retention_ms, rank) "
      "SELECT coalesce(max(id), 0) + 1, $1, $2, $3::int4 FROM vigil.retention_class "
      "ON CONFLICT (match) DO UPDATE SET retention_ms = excluded.retention_ms, "
      "rank = excluded.rank RETURNING id",
      parameters, timeout_ms));
  const int64_t id = rows.Int(0, 0);
  if (id > kMaxClass) return Internal("there have been too many retention classes");
  TRY(MakeClassTable(connection, static_cast<int32_t>(id), timeout_ms));
  return static_cast<int32_t>(id);
}

}  // namespace

Result<void> SyncRetentionClasses(Connection* connection, const Ownership& owner,
                                  RetentionPolicy* policy, int64_t timeout_ms) {
  return InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
    TRY(HoldFence(connection, owner, timeout_ms));
    TRY(connection->Execute(
        "UPDATE vigil.retention_class SET rank = NULL WHERE id <> " +
            std::to_string(kDefaultClass) + "; UPDATE vigil.retention_class SET retention_ms = " +
            std::to_string(policy->time_ms) + " WHERE id = " + std::to_string(kDefaultClass),
        timeout_ms));
    for (size_t i = 0; i < policy->classes.size(); ++i) {
      RetentionClass& one = policy->classes[i];
      one.id = TRY(SyncClass(connection, one, static_cast<int64_t>(i) + 1, timeout_ms));
    }
    return Ok();
  });
}

}  // namespace vigil::postgres
