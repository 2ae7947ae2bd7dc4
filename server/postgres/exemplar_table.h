// SPDX-License-Identifier: Apache-2.0
// storage::ExemplarTable in PostgreSQL: one partition per day.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"
#include "server/postgres/retention.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct ExemplarTableOptions {
  std::string conninfo;
  // Exemplars are kept as long as samples of the default class. Must outlive the table.
  const SharedRetention* retention = nullptr;
  int64_t timeout_ms = 60'000;
};

// Connects when it is first needed.
// Threads: any.
class PostgresExemplarTable : public storage::ExemplarTable {
 public:
  PostgresExemplarTable(ExemplarTableOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  // Leaves out those that are too old or more than an hour ahead.
  Result<void> WriteExemplars(std::span<const storage::ExemplarRow> rows) override;
  Result<std::vector<storage::ExemplarRow>> ReadNewest(size_t count) override;
  Result<std::vector<storage::ExemplarRow>> ReadSpan(std::span<const storage::SeriesId> series,
                                                     TimestampMs start, TimestampMs end,
                                                     size_t most) override;

 private:
  Result<void> Connect() REQUIRES_LOCK(mutex_);
  Result<void> Write(std::span<const storage::ExemplarRow> rows) REQUIRES_LOCK(mutex_);
  Result<std::vector<storage::ExemplarRow>> Read(const std::string& sql,
                                                 const Parameters& parameters)
      REQUIRES_LOCK(mutex_);
  Result<void> OpenDay(int64_t day) REQUIRES_LOCK(mutex_);

  const ExemplarTableOptions options_;
  const Clock& clock_;
  Mutex mutex_;  // one write at a time; held while the database works
  std::unique_ptr<Connection> connection_ GUARDED_BY(mutex_);
  std::set<int64_t> days_ GUARDED_BY(mutex_);  // that have a partition, since the epoch
};

// Drops the days that end before a time. Returns how many.
Result<uint64_t> DropExemplarsBefore(Connection* connection, const Ownership& owner,
                                     TimestampMs before, int64_t timeout_ms);

}  // namespace vigil::postgres
