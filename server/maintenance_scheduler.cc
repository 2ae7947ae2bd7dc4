// SPDX-License-Identifier: Apache-2.0
// See maintenance_scheduler.h.
#include "server/maintenance_scheduler.h"

#include <sys/resource.h>

#include <chrono>

#include "client-lib/base/log.h"

namespace vigil::server {
namespace {

// Queries and scrapes go first.
constexpr int kNice = 10;

}  // namespace

MaintenanceScheduler::MaintenanceScheduler(postgres::Maintenance& maintenance, int64_t interval_ms)
    : maintenance_(maintenance),
      interval_ms_(interval_ms),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void MaintenanceScheduler::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void MaintenanceScheduler::Loop(const std::stop_token& stop) {
  // On Linux this is of the calling thread only. Without it the work is the same.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, kNice));
  while (!stop.stop_requested()) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait_for(lock, stop, std::chrono::milliseconds(interval_ms_), [] { return false; });
    }
    if (stop.stop_requested()) return;
    const Result<void> done = maintenance_.RunOnce(stop);
    if (done || done.error().kind == ErrorKind::kCanceled) continue;
    log::Warn("maintenance",
              "upkeep of the database was not complete; trying again in the next pass",
              {{"err", done.error()}});
  }
}

}  // namespace vigil::server
