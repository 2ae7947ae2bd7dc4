// SPDX-License-Identifier: Apache-2.0
// Runs the upkeep of the database again and again, at low priority.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "server/postgres/maintenance.h"

namespace vigil::server {

// Threads: owner thread only; the passes run on a thread of its own.
class MaintenanceScheduler {
 public:
  explicit MaintenanceScheduler(postgres::Maintenance& maintenance, int64_t interval_ms);
  ~MaintenanceScheduler() { Stop(); }

  // Breaks a running pass off.
  void Stop();

 private:
  void Loop(const std::stop_token& stop);

  postgres::Maintenance& maintenance_;
  const int64_t interval_ms_;
  std::mutex mutex_;  // only for the condition variable: the thread sleeps on it
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vigil::server
