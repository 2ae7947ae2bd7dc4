// SPDX-License-Identifier: Apache-2.0
// Bounds how many queries run at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "client-lib/base/result.h"

namespace vigil::web {

// Lets so many queries run at once (--query.max-concurrency); the others wait for their turn, no
// longer than their timeout.
// Threads: any.
class QueryGate {
 public:
  explicit QueryGate(size_t slots) : free_(slots) {}
  // timeout: `query timed out in query queue`; canceled: `query was canceled in query queue`.
  Result<void> Enter(int64_t timeout_ms, const std::stop_token& stop);
  void Leave();

 private:
  std::mutex mutex_;  // guards free_; a condition variable needs the bare mutex
  std::condition_variable_any changed_;
  size_t free_;
};

// Leaves the gate with the scope.
class GateGuard {
 public:
  explicit GateGuard(QueryGate& gate) : gate_(gate) {}
  ~GateGuard() { gate_.Leave(); }
  GateGuard(const GateGuard&) = delete;
  GateGuard& operator=(const GateGuard&) = delete;

 private:
  QueryGate& gate_;
};

}  // namespace vigil::web
