// SPDX-License-Identifier: Apache-2.0
// Who shares the database, as asked not long ago.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/members.h"

namespace vigil::cluster {

// Threads: any.
class MemberList {
 public:
  using Read = std::function<Result<std::vector<postgres::Member>>()>;

  // read: asks the database, on the thread of whoever calls Get. The clock must outlive it.
  MemberList(Read read, const Clock& clock) : read_(std::move(read)), clock_(clock) {}

  // At most a few seconds old; the last known ones while the database is away.
  std::vector<postgres::Member> Get();

 private:
  struct Asked {
    bool ever = false;
    int64_t at_ns = 0;
    std::vector<postgres::Member> members;
  };
  const Read read_;
  const Clock& clock_;
  Guarded<Asked> asked_;
};

}  // namespace vigil::cluster
