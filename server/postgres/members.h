// SPDX-License-Identifier: Apache-2.0
// The servers that share a database (vigil.member): one leader and those that stand by.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"

namespace vigil::postgres {

struct Member {
  std::string url;       // where the others reach it
  std::string instance;  // host:port, for people
  std::string role;      // leader, standby
  TimestampMs since = 0;
  TimestampMs seen_at = 0;
};

// By url; those that gave a sign of life so recently.
Result<std::vector<Member>> ReadMembers(Connection* connection, int64_t seen_within_ms,
                                        int64_t timeout_ms);
// With a connection of its own.
Result<std::vector<Member>> ReadMembers(const std::string& conninfo, int64_t seen_within_ms,
                                        int64_t timeout_ms);

// The new owner, in place of the one before; forgets members that were not seen for a day. Changes
// nothing when yet another one has taken over.
Result<void> RegisterLeader(Connection* connection, const Ownership& owner, const std::string& url,
                            const std::string& instance, int64_t timeout_ms);

// A sign of life of a server that stands by. An owner's row stays as it is.
Result<void> RegisterStandby(Connection* connection, const std::string& url,
                             const std::string& instance, int64_t timeout_ms);
// The server no longer stands by.
Result<void> ForgetStandby(Connection* connection, const std::string& url, int64_t timeout_ms);

}  // namespace vigil::postgres
