// SPDX-License-Identifier: Apache-2.0
// The files of the managed cluster: binaries, data directory, socket directory, settings.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "server/postgres/managed_process.h"

namespace vigil::postgres {

inline constexpr int kOldestMajor = 15;

// Where things are. All paths are absolute.
struct Cluster {
  std::string storage_path;
  std::string data_dir;    // <storage_path>/postgres
  std::string socket_dir;  // <storage_path>/postgres-socket, or a short one below /tmp
  std::string bin_dir;
  int major = 0;
  ProcessUser user;
  std::vector<std::pair<std::string, std::string>> settings;
  FileDescriptor lock;  // held as long as we live: one server per storage path
};

struct ClusterOptions {
  std::string storage_path;
  std::string bin_dir;
  std::string user;
  std::vector<std::pair<std::string, std::string>> settings;
};

// Takes the storage path's lock, finds the binaries, makes the cluster when there is none, writes
// its settings and the socket directory.
Result<Cluster> PrepareCluster(const ClusterOptions& options);

// Stops a postmaster that runs on the data directory though its server is gone, and removes a
// postmaster.pid whose process is another program. REQUIRES: the lock is held.
Result<void> StopLeftOver(const Cluster& cluster);

// The command line of `postgres`.
std::vector<std::string> PostgresCommand(const Cluster& cluster);
// True once postmaster.pid says that `pid` takes connections.
bool IsReady(const Cluster& cluster, int pid);
std::string Conninfo(const Cluster& cluster, const std::string& database);
std::string PsqlCommand(const Cluster& cluster);

// Makes the directory, for this user alone. An error when it is somebody else's.
Result<void> MakePrivateDirectory(const std::string& path, const ProcessUser& user);
// A program of PostgreSQL (pg_dump), the newest that is installed.
Result<std::string> FindTool(const std::string& name);

// Pure parts.
// "postgres (PostgreSQL) 15.14 (Debian …)" is 15; 0 when it is something else.
int ParseMajor(std::string_view version_output);
// postgresql.conf text: value quoted.
std::string SettingLine(const std::string& name, const std::string& value);
// <storage_path>/postgres-socket when the socket's path fits into sun_path, else one below /tmp.
std::string ChooseSocketDir(const std::string& storage_path, uid_t uid);
// 'it''s' as libpq's connection strings want it.
std::string QuoteConninfo(std::string_view value);
// For a shell, quoted only when needed.
std::string QuoteShell(std::string_view value);

}  // namespace vigil::postgres
