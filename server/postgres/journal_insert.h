// SPDX-License-Identifier: Apache-2.0
// Journal pages in one statement that is parsed once: the way of small transactions, of which a
// sender that waits for each acknowledgement causes up to a hundred per second.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/journal_queue.h"
#include "server/postgres/ownership.h"

namespace vigil::postgres {

// Of one connection: make another one with the next connection.
// Threads: owner thread only.
class JournalInsert {
 public:
  // Above this a COPY in a transaction of its own is cheaper.
  static constexpr uint64_t kMaxBytes = 512U << 10;

  explicit JournalInsert(Connection* connection) : connection_(connection) {}

  // Writes the pages of all entries into the ring's table `slot` and commits, in one round trip
  // and under the fence; not_found when another server has taken over.
  // REQUIRES: no open transaction; the entries bring no series.
  Result<void> Write(std::span<const JournalEntry> entries, int slot, const Ownership& owner,
                     int64_t timeout_ms);

 private:
  Connection* const connection_;
  uint32_t prepared_ = 0;  // bit per slot
};

}  // namespace vigil::postgres
