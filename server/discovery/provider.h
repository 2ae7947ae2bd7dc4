// SPDX-License-Identifier: Apache-2.0
// What a discovery mechanism is: something that knows whole groups of targets and says when they
// change.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/labels.h"

namespace vigil::discovery {

// Targets that came from one place and the labels they share.
struct TargetGroup {
  std::string source;           // unique within the job; an update replaces the whole group
  std::vector<Labels> targets;  // each with __address__ and what is known of it alone
  Labels labels;
};

// Where a provider puts what it found.
// Threads: any.
class GroupSink {
 public:
  virtual ~GroupSink() = default;
  // The group replaces the one of the same source; without targets it is gone.
  virtual void Update(TargetGroup group) = 0;
};

// One mechanism at work for one job. It is a step machine on the manager's thread: Step() must not
// wait for a network (a mechanism that does has its own thread and makes wake_fd() readable).
// Threads: owner thread only.
class Provider {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  virtual ~Provider() = default;
  // Does what is due and returns the monotonic time (ns) of the next call. The first call is
  // due at once.
  virtual int64_t Step(int64_t now_ns, GroupSink& sink) = 0;
  // Readable when there is work before that time; -1: none.
  [[nodiscard]] virtual int wake_fd() const { return -1; }
};

}  // namespace vigil::discovery
