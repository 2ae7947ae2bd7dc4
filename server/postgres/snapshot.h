// SPDX-License-Identifier: Apache-2.0
// Consistent copies of the database while it runs.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "client-lib/base/result.h"
#include "server/postgres/managed_cluster.h"

namespace vigil::postgres {

// A base backup of the managed cluster with the write-ahead log it needs. The directory (which must
// not exist) then holds `postgres`, which is a data directory: put it into an empty storage path
// and start a server there.
Result<void> BackUpCluster(const Cluster& cluster, const std::string& directory, int64_t timeout_ms,
                           const std::stop_token& stop);

// The schema `vigil` of any database by pg_dump, as directory/vigil.dump in pg_dump's custom
// format: pg_restore brings it back. The password of the conninfo does not show among processes.
Result<void> DumpDatabase(const std::string& conninfo, const std::string& directory,
                          int64_t timeout_ms, const std::stop_token& stop);

}  // namespace vigil::postgres
