// SPDX-License-Identifier: Apache-2.0
// storage::RuleStateTable in PostgreSQL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"
#include "server/storage/rule_state.h"

namespace vigil::postgres {

// Writes only while this server owns the database. Threads: one at a time.
class PostgresRuleStateTable : public storage::RuleStateTable {
 public:
  PostgresRuleStateTable(std::string conninfo, Ownership owner, int64_t timeout_ms)
      : conninfo_(std::move(conninfo)), owner_(owner), timeout_ms_(timeout_ms) {}

  Result<storage::RuleStates> LoadRuleStates() override;
  Result<void> SaveRuleStates(const storage::RuleStateChanges& changes, TimestampMs now) override;

 private:
  Result<void> Connect();

  const std::string conninfo_;
  const Ownership owner_;
  const int64_t timeout_ms_;
  std::unique_ptr<Connection> connection_;  // null: not connected
};

}  // namespace vigil::postgres
