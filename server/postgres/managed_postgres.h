// SPDX-License-Identifier: Apache-2.0
// The server's own PostgreSQL: a cluster below the storage path and `postgres` as a child process.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::postgres {

struct ManagedPostgresOptions {
  // The cluster goes to <storage_path>/postgres.
  std::string storage_path;
  // Directory of `postgres` and `initdb`; empty: VIGIL_POSTGRES_BINDIR, then
  // /usr/lib/postgresql/*/bin, then PATH.
  std::string bin_dir;
  // When the server runs as root, the child runs as this user; empty: postgres, else nobody.
  std::string user;
  // Laid over the built-in settings (postgresql.conf names).
  std::vector<std::pair<std::string, std::string>> settings;
  int64_t start_timeout_ms = 120'000;  // crash recovery included
  int64_t stop_timeout_ms = 30'000;
};

enum class ManagedState { kStarting, kRunning, kRestarting, kStopped };
std::string_view ManagedStateName(ManagedState state);

// Runs `postgres` on a unix socket in a private directory as long as this object lives; starts it
// anew with backoff when it dies. The child gets SIGINT (fast shutdown) from the kernel when this
// process is killed; a postmaster that is left over nevertheless is stopped by the next Start. A
// lock file in the storage path refuses a second server.
// Threads: any.
class ManagedPostgres {
 public:
  // Makes the cluster when there is none, starts it and waits until it takes connections.
  static Result<std::unique_ptr<ManagedPostgres>> Start(ManagedPostgresOptions options);
  // Stops.
  ~ManagedPostgres();
  ManagedPostgres(const ManagedPostgres&) = delete;
  ManagedPostgres& operator=(const ManagedPostgres&) = delete;

  // Fast shutdown with a checkpoint; immediate, then killed, when it takes longer than
  // stop_timeout_ms. Close the Database first.
  void Stop();

  // A base backup into a directory that does not exist yet; see BackUpCluster().
  Result<void> BackUp(const std::string& directory, int64_t timeout_ms,
                      const std::stop_token& stop) const;

  // For DatabaseOptions::conninfo.
  [[nodiscard]] const std::string& conninfo() const;
  // What an operator types to look inside: `psql -h /var/lib/... -U vigil vigil`.
  [[nodiscard]] const std::string& psql_command() const;
  [[nodiscard]] ManagedState state() const;
  // Of the postmaster; 0 while there is none.
  [[nodiscard]] int pid() const;
  [[nodiscard]] uint64_t restarts() const;

 private:
  struct Impl;
  explicit ManagedPostgres(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vigil::postgres
