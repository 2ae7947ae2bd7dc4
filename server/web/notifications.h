// SPDX-License-Identifier: Apache-2.0
// What the operator should know while it lasts: /api/v1/notifications and its live stream.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Upstream's texts.
inline constexpr std::string_view kReloadFailed = "Configuration reload has failed.";
inline constexpr std::string_view kStarting =
    "Prometheus is starting and replaying the write-ahead log (WAL).";
inline constexpr std::string_view kShuttingDown =
    "Prometheus is shutting down and gracefully stopping all operations.";

struct Notification {
  std::string text;
  TimestampMs date = 0;  // since when
  bool active = false;   // false: it is over
};

// Threads: any.
class Notifications {
 public:
  // A reader of the live stream holds one of the web server's threads.
  static constexpr size_t kMaxSubscribers = 16;

  // The streams end with `stop`.
  Notifications(const Clock& clock, std::stop_token stop) : clock_(clock), stop_(stop) {}

  // Begins or ends one; does nothing when that is so already.
  void Set(std::string_view text, bool active);

  // Those that are active, as the API lists them.
  Result<Annotations> List(const ApiRequest& request, JsonWriter& json) const;
  // Server-sent events: the active ones, then every change. 204 when there are too many readers.
  http::Response Live();

 private:
  class Subscription;

  const Clock& clock_;
  const std::stop_token stop_;
  mutable std::mutex mutex_;  // guards what is below; the condition variable needs the bare mutex
  std::condition_variable_any changed_;
  std::map<std::string, Notification, std::less<>> active_;
  // The latest changes; the first has the number first_change_.
  std::deque<Notification> changes_;
  uint64_t first_change_ = 0;
  size_t subscribers_ = 0;
};

}  // namespace vigil::web
