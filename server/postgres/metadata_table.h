// SPDX-License-Identifier: Apache-2.0
// storage::MetadataTable in PostgreSQL.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// Metadata changes seldom: each call opens a connection of its own.
// Threads: any.
class PostgresMetadataTable : public storage::MetadataTable {
 public:
  PostgresMetadataTable(std::string conninfo, int64_t timeout_ms)
      : conninfo_(std::move(conninfo)), timeout_ms_(timeout_ms) {}

  Result<void> WriteMetadata(std::span<const storage::MetricMetadata> rows) override;
  Result<std::vector<storage::MetricMetadata>> ReadMetadata() override;
  Result<void> RemoveMetadata(std::span<const std::string> metrics) override;

 private:
  const std::string conninfo_;
  const int64_t timeout_ms_;
};

}  // namespace vigil::postgres
