// SPDX-License-Identifier: Apache-2.0
// What the admin API does: deletes and snapshots.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/model/matcher.h"
#include "server/postgres/database.h"
#include "server/postgres/managed_postgres.h"
#include "server/storage/store.h"
#include "server/web/admin_api.h"

namespace vigil::server {

// Threads: any. References and the pointer must outlive it.
class Admin {
 public:
  // managed is null with a DSN.
  Admin(storage::Store& store, postgres::Database& database,
        const postgres::ManagedPostgres* managed, const Clock& clock, std::string storage_path,
        std::stop_token stop)
      : store_(store),
        database_(database),
        managed_(managed),
        clock_(clock),
        storage_path_(std::move(storage_path)),
        stop_(std::move(stop)) {}

  [[nodiscard]] web::AdminActions Actions(bool enabled);

  // Samples there are now within [start, end]; later ones of the same series are not touched.
  Result<void> DeleteSeries(const std::vector<std::vector<Matcher>>& sets, TimestampMs start,
                            TimestampMs end);
  Result<void> CleanTombstones();
  // Below <storage path>/snapshots; returns the name. Without skip_head what is in memory and
  // journal is written into chunks first.
  Result<std::string> Snapshot(bool skip_head);

 private:
  storage::Store& store_;
  postgres::Database& database_;
  const postgres::ManagedPostgres* const managed_;
  const Clock& clock_;
  const std::string storage_path_;
  const std::stop_token stop_;
  Mutex snapshot_mutex_;  // one at a time
};

}  // namespace vigil::server
