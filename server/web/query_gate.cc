// SPDX-License-Identifier: Apache-2.0
#include "server/web/query_gate.h"

#include <chrono>

namespace vigil::web {

Result<void> QueryGate::Enter(int64_t timeout_ms, const std::stop_token& stop) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (free_ == 0) {
    changed_.wait_for(lock, stop, std::chrono::milliseconds(timeout_ms),
                      [this] { return free_ > 0; });
    if (stop.stop_requested()) return Canceled("query was canceled in query queue");
    if (free_ == 0) return Timeout("query timed out in query queue");
  }
  --free_;
  return Ok();
}

void QueryGate::Leave() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++free_;
  }
  // All: the one that is woken may just have been canceled, and then nobody takes the place.
  changed_.notify_all();
}

}  // namespace vigil::web
