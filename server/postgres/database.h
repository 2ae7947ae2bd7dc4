// SPDX-License-Identifier: Apache-2.0
// The store's database, opened: schema migrated, owned by this server, ready to be written to and
// read from. The one thing main has to hold.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/maintenance.h"
#include "server/postgres/metrics.h"
#include "server/storage/backend.h"
#include "server/storage/rollup_store.h"
#include "server/storage/rule_state.h"

namespace vigil::postgres {

class PostgresAlertingStore;

struct DatabaseOptions {
  // libpq's key=value string or URI: ManagedPostgres::conninfo() or --storage.postgres.dsn.
  std::string conninfo;
  // Shown to people in vigil.ingester, and to a second server that is refused: host:port.
  std::string instance = "vigil-server";
  // Where other servers on this database reach this one (vigil.member); empty: nowhere.
  std::string url;
  // How long Open tries to reach a database that is not there yet.
  int64_t connect_timeout_ms = 30'000;
  // How long Open waits for another server on this database to go before it gives up.
  int64_t ownership_wait_ms = 5'000;
  // Of a standby: the epoch that it saw when it decided to take over (Claim).
  std::optional<int64_t> seen_epoch;
  // A server that did not renew for so long has lost the database to whoever asks.
  int64_t lease_ms = 30'000;
  // Called once, on the journal's thread, when another server has taken the database over.
  std::function<void()> on_fenced;
  // Commits come no closer than this, unless commit_bytes are queued or a sender waits.
  int64_t commit_interval_ms = 200;
  uint64_t commit_bytes = 4U << 20;
  // HasRoom() is false beyond these, for writers that keep their samples and for others.
  uint64_t max_queued_bytes = 64U << 20;
  uint64_t spool_bytes = 256U << 20;
  // Length of the time-range leaves of the chunk table.
  int64_t leaf_ms = 6 * 3'600'000;
  // Its conninfo, owner and timeout are filled in.
  MaintenanceOptions maintenance;
  // The wall clock of flushes and upkeep; null: the machine's. Must outlive the database.
  const Clock* clock = nullptr;
  // Connections kept for reading.
  int read_connections = 4;
  int64_t read_timeout_ms = 30'000;
  // Encoded chunks kept in memory once they were read.
  uint64_t chunk_cache_bytes = 64U << 20;
  int64_t write_timeout_ms = 60'000;
};

// Threads: any, except where an interface says otherwise.
class Database {
 public:
  // Connects, checks the server's version (15 or later), migrates the schema, takes ownership and
  // starts the journal's thread.
  static Result<std::unique_ptr<Database>> Open(DatabaseOptions options);
  // Closes.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Commits what is queued, at most for timeout_ms, gives ownership back and disconnects.
  // Afterwards every call fails with unavailable.
  void Close(int64_t timeout_ms = 10'000);

  storage::Journal& journal();
  storage::ChunkStore& chunks();
  storage::ExemplarTable& exemplars();
  storage::MetadataTable& metadata();
  // State and history of alerting. Close leaves it alone: end alerting before.
  PostgresAlertingStore& alerting();
  // State of alerting rules; the same.
  storage::RuleStateTable& rule_states();
  const storage::RollupStore& rollups();
  // Before the first Enqueue only.
  storage::Recovery& recovery();
  // Retention and compaction; somebody has to call it (server/maintenance_scheduler.h).
  Maintenance& maintenance();

  [[nodiscard]] const std::string& conninfo() const;
  // False while the journal has no connection or another server took over.
  [[nodiscard]] bool connected() const;
  // True once another server took over: nothing can be written any more, the process should end.
  [[nodiscard]] bool fenced() const;
  // Asks the database: not_found when another server took over; other errors say that it could not
  // be asked. Opens a connection of its own.
  [[nodiscard]] Result<void> ConfirmOwnership(int64_t timeout_ms) const;
  // By which this server owns the database.
  [[nodiscard]] int64_t epoch() const;
  // The URLs of the servers that stood by when the lease was renewed last.
  [[nodiscard]] std::vector<std::string> standbys() const;
  [[nodiscard]] DatabaseMetrics metrics() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vigil::postgres
