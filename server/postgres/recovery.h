// SPDX-License-Identifier: Apache-2.0
// storage::Recovery in PostgreSQL: the catalogue and the unflushed journal, streamed with COPY.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/postgres/ownership.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// Opens a connection of its own per call.
// Threads: owner thread only.
class PostgresRecovery : public storage::Recovery {
 public:
  PostgresRecovery(std::string conninfo, Ownership owner, int64_t timeout_ms)
      : conninfo_(std::move(conninfo)), owner_(owner), timeout_ms_(timeout_ms) {}

  Result<TimestampMs> NewestInChunks() override;
  Result<void> LoadSeries(const std::function<void(storage::SeriesRecord)>& each) override;
  Result<void> ReplayJournal(const std::function<void(std::string_view page)>& each) override;

 private:
  const std::string conninfo_;
  const Ownership owner_;
  const int64_t timeout_ms_;
};

}  // namespace vigil::postgres
