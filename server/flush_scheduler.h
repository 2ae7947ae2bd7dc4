// SPDX-License-Identifier: Apache-2.0
// Flushes the store on a schedule, and early when memory fills; writes exemplars and metadata every
// few seconds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "client-lib/base/clock.h"
#include "server/storage/store.h"

namespace vigil::server {

// Threads: owner thread only; the flushes run on a thread of its own.
class FlushScheduler {
 public:
  FlushScheduler(storage::Store& store, storage::ExemplarTable& exemplars,
                 storage::MetadataTable& metadata, const Clock& clock, int64_t interval_ms,
                 uint64_t bytes_limit);
  ~FlushScheduler() { Stop(); }

  // Waits for a running flush. Does not flush once more: that is the caller's choice.
  void Stop();

 private:
  void Loop(const std::stop_token& stop);
  [[nodiscard]] bool Due(int64_t last_flush_ns) const;
  void WriteSideTables();

  storage::Store& store_;
  storage::ExemplarTable& exemplars_;
  storage::MetadataTable& metadata_;
  const Clock& clock_;
  const int64_t interval_ms_;
  const uint64_t bytes_limit_;
  uint64_t bytes_after_flush_ = 0;  // belongs to the thread
  std::mutex mutex_;                // only for the condition variable: the thread sleeps on it
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vigil::server
