// SPDX-License-Identifier: Apache-2.0
// Routes whose alerts are heartbeats (expect_every): a dead man's switch. When no such alert came
// for so long, an alert with the label expected="missing" takes the same route; it ends with the
// next heartbeat.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/alerting/alert.h"
#include "server/alerting/route_tree.h"

namespace vigil::alerting {

// The label of alerts about missing heartbeats.
inline constexpr std::string_view kExpectedLabel = "expected";
bool TellsOfMissing(const Labels& labels);

// How long a route had no heartbeat: what is kept of its clock over a restart.
struct Heartbeat {
  std::string route_id;
  DurationMs silent_for = 0;  // at most expect_every
};

// Threads: one at a time.
class ExpectWatch {
 public:
  // Another tree: routes that stay keep their times.
  void Reset(const RouteTree& tree, TimestampMs now);
  // After a start. How long a route was silent before it counts; how long the server was away does
  // not, and whoever sends has a while to do so. Routes that are not listed count from here.
  void Restore(const std::vector<Heartbeat>& stored, TimestampMs now);
  // All routes, when what was taken last is wrong about one by an eighth of its time; else nothing:
  // heartbeats that come more often than that cost no row.
  std::vector<Heartbeat> TakeHeartbeats(TimestampMs now);
  // All times are so much earlier: the clock was set back.
  void MoveTimers(DurationMs by);
  // A firing alert took these routes.
  void Seen(const std::vector<const Route*>& routes, TimestampMs now);

  [[nodiscard]] bool empty() const { return watches_.empty(); }
  [[nodiscard]] TimestampMs NextDeadline() const;
  // Alerts to post: about what is missing, repeated while it is, and the ends of those.
  std::vector<PostedAlert> Due(TimestampMs now);

 private:
  struct Watch {
    std::string route_id;
    size_t route_index = 0;
    Labels labels;
    DurationMs every = 0;
    TimestampMs last_seen = 0;
    TimestampMs next = 0;
    DurationMs stored = 0;  // how long it was silent when that was taken last
    bool told = true;       // an alert about it may be there, at a start left from before
  };

  std::vector<Watch> watches_;
};

}  // namespace vigil::alerting
