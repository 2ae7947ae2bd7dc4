// SPDX-License-Identifier: Apache-2.0
// Who shares the database, as asked not long ago.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "server/postgres/members.h"

namespace vigil::cluster {

// Threads: any.
class MemberList {
 public:
  // seen_within_ms: members that were not seen for so long are left out. The clock must outlive it.
  MemberList(std::string conninfo, int64_t seen_within_ms, const Clock& clock)
      : conninfo_(std::move(conninfo)), seen_within_ms_(seen_within_ms), clock_(clock) {}

  // At most a few seconds old; the last known ones while the database is away.
  std::vector<postgres::Member> Get();

 private:
  struct Asked {
    int64_t at_ns = 0;  // 0: never
    std::vector<postgres::Member> members;
  };
  const std::string conninfo_;
  const int64_t seen_within_ms_;
  const Clock& clock_;
  Guarded<Asked> asked_;
};

}  // namespace vigil::cluster
