// SPDX-License-Identifier: Apache-2.0
// The database schema `vigil`: numbered SQL files (migrations/*.sql, compiled in), applied in
// order.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

struct Migration {
  int version = 0;  // rising
  std::string_view name;
  std::string_view sql;
};

// Those compiled in, in order.
std::span<const Migration> Migrations();

// There is a schema, and MigrateSchema would change it.
Result<bool> SchemaIsOlder(Connection* connection, std::span<const Migration> migrations,
                           int64_t timeout_ms);

// Brings the schema up to date: applies what was not applied yet, each migration in its own
// transaction, under an advisory lock so that two servers that start together do not collide.
// Returns the version. A schema that is newer than this program is refused and left alone.
Result<int> MigrateSchema(Connection* connection, std::span<const Migration> migrations,
                          int64_t timeout_ms);

}  // namespace vigil::postgres
