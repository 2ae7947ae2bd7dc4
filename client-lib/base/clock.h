// SPDX-License-Identifier: Apache-2.0
// Time, injected: code that must be tested without sleeping takes a Clock&.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil {

// Milliseconds since the Unix epoch, as in every protocol of the field.
using TimestampMs = int64_t;

// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock: may jump.
  [[nodiscard]] virtual TimestampMs Now() const = 0;
  // Monotonic nanoseconds from an arbitrary origin: for intervals and deadlines.
  [[nodiscard]] virtual int64_t MonotonicNs() const = 0;

  // The clock of the machine.
  static const Clock& System();
};

// CPU time of the calling thread, user and system, in nanoseconds.
int64_t ThreadCpuNs();

// A clock that stands still until it is told to move.
class ManualClock : public Clock {
 public:
  explicit ManualClock(TimestampMs now = 0) : now_(now) {}
  [[nodiscard]] TimestampMs Now() const override { return now_.load(); }
  [[nodiscard]] int64_t MonotonicNs() const override { return monotonic_ns_.load(); }
  void Advance(int64_t ms) {
    now_ += ms;
    monotonic_ns_ += ms * 1'000'000;
  }
  // Moves the wall clock only, as an administrator or NTP would.
  void JumpTo(TimestampMs now) { now_ = now; }

 private:
  std::atomic<TimestampMs> now_;
  std::atomic<int64_t> monotonic_ns_{0};
};

}  // namespace vigil
