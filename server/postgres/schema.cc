// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/schema.h"

#include <algorithm>
#include <set>
#include <string>

#include "client-lib/base/log.h"

namespace vigil::postgres {
namespace {

// Two programs that migrate at once wait for each other on this key ("vigil").
constexpr std::string_view kMigrationLock = "475487498604";

// The migrations that were applied; none when there is no schema yet.
Result<std::set<int>> AppliedVersions(Connection* connection, int64_t timeout_ms) {
  std::set<int> versions;
  const Rows exists =
      TRY(connection->Query("SELECT to_regclass('vigil.schema_version') IS NOT NULL", timeout_ms));
  if (!exists.Bool(0, 0)) return versions;
  const Rows rows = TRY(connection->Query("SELECT version FROM vigil.schema_version", timeout_ms));
  for (int row = 0; row < rows.size(); ++row) versions.insert(static_cast<int>(rows.Int(row, 0)));
  return versions;
}

Result<void> Apply(Connection* connection, const Migration& migration, int64_t timeout_ms) {
  TRY(connection->Execute("BEGIN", timeout_ms));
  TRY(connection->Execute(std::string(migration.sql), timeout_ms));
  const std::string record = "INSERT INTO vigil.schema_version (version, name) VALUES (" +
                             std::to_string(migration.version) + ", '" +
                             std::string(migration.name) + "')";
  TRY(connection->Execute(record, timeout_ms));
  TRY(connection->Execute("COMMIT", timeout_ms));
  log::Info("postgres", "migrated the database schema", {{"migration", migration.name}});
  return Ok();
}

Result<int> MigrateLocked(Connection* connection, std::span<const Migration> migrations,
                          int64_t timeout_ms) {
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  const std::set<int> applied = TRY(AppliedVersions(connection, timeout_ms));
  const int current = applied.empty() ? 0 : *applied.rbegin();
  if (current > newest) {
    return Internal("the database has schema version " + std::to_string(current) +
                    ", this program knows versions up to " + std::to_string(newest) +
                    ": run a newer vigil-server, or name another database");
  }
  for (const Migration& migration : migrations) {
    if (applied.contains(migration.version)) continue;
    TRY_CONTEXT(Apply(connection, migration, timeout_ms),
                "migration " + std::string(migration.name));
  }
  return newest;
}

}  // namespace

Result<bool> SchemaIsOlder(Connection* connection, std::span<const Migration> migrations,
                           int64_t timeout_ms) {
  const std::set<int> applied = TRY(AppliedVersions(connection, timeout_ms));
  return !applied.empty() && !migrations.empty() && *applied.rbegin() < migrations.back().version;
}

Result<int> MigrateSchema(Connection* connection, std::span<const Migration> migrations,
                          int64_t timeout_ms) {
  CHECK(std::adjacent_find(migrations.begin(), migrations.end(),
                           [](const Migration& a, const Migration& b) {
                             return a.version >= b.version;
                           }) == migrations.end());
  const std::string key(kMigrationLock);
  TRY_CONTEXT(connection->Execute("SELECT pg_advisory_lock(" + key + ")", timeout_ms),
              "waiting for another server that migrates the schema");
  auto version = MigrateLocked(connection, migrations, timeout_ms);
  if (!version) {
    // The session ends with the error, and the lock with it; the rollback is for the caller's log.
    if (!connection->broken()) TRY(connection->Execute("ROLLBACK", timeout_ms));
    return version;
  }
  TRY(connection->Execute("SELECT pg_advisory_unlock(" + key + ")", timeout_ms));
  return version;
}

}  // namespace vigil::postgres
