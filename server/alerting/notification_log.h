// SPDX-License-Identifier: Apache-2.0
// What each receiver was told about each group last, and when the next word is due.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/model/duration.h"
#include "server/alerting/receiver_config.h"

namespace vigil::alerting {

// Hashes of alerts, sorted.
using HashSet = std::vector<uint64_t>;
bool IsSubset(const HashSet& part, const HashSet& whole);
bool Contains(const HashSet& set, uint64_t hash);
HashSet Union(const HashSet& a, const HashSet& b);

// One integration of a receiver.
struct Integration {
  std::string receiver;
  std::string type;  // "webhook"
  size_t index = 0;  // among all integrations of the type in the receiver
  bool send_resolved = true;
};
// team/webhook/0
std::string IntegrationKey(const Integration& integration);

struct LogEntry {
  std::string group_key;
  std::string integration;  // IntegrationKey
  TimestampMs timestamp = 0;
  HashSet firing;    // of the last message
  HashSet resolved;  // of the last message
  // Alerts that a message before said to be firing, that still were, and that were muted when the
  // last message went out: their end is still owed.
  HashSet owed;
  TimestampMs expires_at = 0;
  StringMap receiver_data;  // the integration's own notes (message ids)
};

// Threads: one at a time.
class NotificationLog {
 public:
  // Null when there is none. Valid until the next change.
  [[nodiscard]] const LogEntry* Find(std::string_view group_key,
                                     std::string_view integration) const;
  void Put(LogEntry entry);
  // From storage or another server: the later entry stays. True when something changed.
  bool Merge(const LogEntry& entry);
  // Forgets entries that expired, but for those of groups that still are; returns them.
  std::vector<LogEntry> CollectGarbage(TimestampMs now,
                                       const std::function<bool(const LogEntry&)>& in_use);
  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] std::vector<LogEntry> All() const;
  // What changed since the last call, for storage.
  std::vector<LogEntry> TakeChanges();

 private:
  std::unordered_map<std::string, LogEntry> entries_;
  std::vector<std::string> changed_;
};

enum class NotifyReason {
  kNone,
  kFirst,         // "first notification"
  kNewAlerts,     // "new alerts added"
  kAllResolved,   // "all alerts resolved"
  kSomeResolved,  // "some alerts resolved"
  kRepeat,        // "repeat interval elapsed"
  kEscalated,     // "escalated": a step of the route is told for the first time, or of more alerts
};
std::string_view NotifyReasonText(NotifyReason reason);

// What is to be decided about one integration and one group.
struct NotifyQuestion {
  const LogEntry* entry = nullptr;  // null: nothing was ever said
  HashSet firing;                   // what would be said now
  HashSet resolved;
  bool send_resolved = true;
  DurationMs repeat_interval = 0;
  TimestampMs now = 0;
};

// Whether something is to be said now, and why: the first row of the table that holds.
NotifyReason DecideNotification(const NotifyQuestion& question);

}  // namespace vigil::alerting
