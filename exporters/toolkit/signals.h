// SPDX-License-Identifier: Apache-2.0
// Signals as events for one thread: SIGTERM and SIGINT ask to stop, SIGHUP to reload.
#pragma once

#include <cstdint>

namespace vigil::toolkit {

// Construct it first in main: it blocks the signals for this thread and all started later, and
// ignores SIGPIPE. One per process. Child processes inherit the blocked signals: unblock them
// between fork and exec.
// Threads: Wait: owner thread only; the requests: any.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Event { kNone, kStop, kReload };
  // The next event; kNone when the time is over. max_wait_ms < 0: no limit.
  Event Wait(int64_t max_wait_ms = -1);
  // As if the signal had come: for /-/quit and /-/reload.
  void RequestStop();
  void RequestReload();

 private:
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  int reload_fd_ = -1;
};

}  // namespace vigil::toolkit
