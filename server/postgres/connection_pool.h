// SPDX-License-Identifier: Apache-2.0
// A few connections for reading, opened when wanted, closed when idle.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"

namespace vigil::postgres {

// A connection with what is prepared on it.
struct ReadConnection {
  std::unique_ptr<Connection> connection;
  std::unordered_set<std::string> prepared;
  int64_t idle_since_ns = 0;
};

// Threads: any.
class ConnectionPool {
 public:
  ConnectionPool(std::string conninfo, int size, const Clock& clock);

  // Waits for a free one at most timeout_ms.
  Result<ReadConnection> Take(int64_t timeout_ms);
  // Gives it back; a broken one is dropped. Closes others that were idle for a minute.
  void Return(ReadConnection connection);
  void Close();
  [[nodiscard]] uint64_t open() const;

 private:
  const std::string conninfo_;
  const int size_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards all below; the condition variable needs the bare mutex
  std::condition_variable returned_;
  std::vector<ReadConnection> idle_;
  int open_ = 0;
  bool closed_ = false;
};

}  // namespace vigil::postgres
