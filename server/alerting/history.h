// SPDX-License-Identifier: Apache-2.0
// What happened to alerts and who was told: the rows that alerting leaves behind for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "server/alerting/label_matcher.h"
#include "server/alerting/notification_log.h"

namespace vigil::alerting {

enum class AlertEventKind {
  kFiring,        // an occurrence began, as far as this server knows
  kResolved,      // it ended: was reported so, or nobody reported it any more
  kGrouped,       // a group took it, and was flushed for the first time with it
  kMuted,         // a flush held it back, for the reasons that the event names
  kUnmuted,       // nothing holds it back any more
  kAcknowledged,  // somebody took it on
  kPending,       // a rule of this server sees it, and waits for its `for`
};
// "firing", "resolved", "grouped", "muted", "unmuted", "acknowledged", "pending"
std::string_view AlertEventText(AlertEventKind kind);

// A change of one alert's state. What does not belong to the kind is empty.
struct AlertEvent {
  TimestampMs at = 0;
  AlertEventKind kind = AlertEventKind::kFiring;
  uint64_t fingerprint = 0;
  Labels labels;
  Labels annotations;  // pending, firing and resolved
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;  // resolved
  std::string group_key;    // grouped, muted, unmuted
  std::string receiver;     // of the route
  // Why it is muted: ids, fingerprints of the sources that inhibit, names of time intervals.
  std::vector<std::string> silences;
  std::vector<std::string> inhibited_by;
  std::vector<std::string> intervals;
  std::string by;  // who acknowledged
  std::string comment;
};

enum class NotificationResult {
  kSent,
  kFailed,    // the last try failed, or the time for tries was over
  kUnwanted,  // nothing but ends, and the receiver wants none: only logged
};
// "sent", "failed", "unwanted"
std::string_view NotificationResultText(NotificationResult result);

// How a message ended: one per message, after its last try.
struct NotificationEvent {
  TimestampMs at = 0;  // of the answer
  TimestampMs flushed_at = 0;
  std::string group_key;
  Labels group_labels;
  Labels common_labels;  // of all alerts of the message
  Integration integration;
  NotifyReason reason = NotifyReason::kNone;
  NotificationResult result = NotificationResult::kSent;
  size_t tries = 0;
  int status = 0;     // of HTTP, the last one
  std::string error;  // the last one
  // Fingerprints, in the order of the message.
  std::vector<uint64_t> firing;
  std::vector<uint64_t> resolved;
};

struct HistoryQuery {
  TimestampMs start = 0;  // inclusive
  TimestampMs end = 0;    // inclusive
  // Any of these lists; none: all. Of an alert's labels, or of a message's common labels.
  std::vector<LabelMatchers> matchers;
  std::string receiver;     // empty: any
  std::string fingerprint;  // 16 digits; empty: any
  // Of messages: only those of these groups, which are found by an index. None: all.
  std::vector<std::string> group_keys;
  size_t limit = 1'000;
};

// Threads: any. Both answer with the newest first.
class AlertHistoryReader {
 public:
  virtual ~AlertHistoryReader() = default;
  virtual Result<std::vector<AlertEvent>> ReadAlerts(const HistoryQuery& query) = 0;
  virtual Result<std::vector<NotificationEvent>> ReadNotifications(const HistoryQuery& query) = 0;
};

}  // namespace vigil::alerting
