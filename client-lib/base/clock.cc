// SPDX-License-Identifier: Apache-2.0
// The clock of the machine.
#include "client-lib/base/clock.h"

#include <ctime>

namespace vigil {
namespace {

class SystemClock : public Clock {
 public:
  [[nodiscard]] TimestampMs Now() const override {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<TimestampMs>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
  }
  [[nodiscard]] int64_t MonotonicNs() const override {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

int64_t ThreadCpuNs() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<int64_t>(used.tv_sec) * 1'000'000'000 + used.tv_nsec;
}

}  // namespace vigil
