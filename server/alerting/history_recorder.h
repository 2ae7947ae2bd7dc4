// SPDX-License-Identifier: Apache-2.0
// Turns what an AlertRouter does into rows of history and counters.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/alerting/alert_ledger.h"
#include "server/alerting/alert_router.h"
#include "server/alerting/alerting_stats.h"
#include "server/alerting/history.h"

namespace vigil::alerting {

// Only changes become events: an alert that stays muted for a week is one row.
// Threads: one at a time.
class HistoryRecorder {
 public:
  void Noted(const Alert& alert, AlertLedger::Change change, TimestampMs now);
  void Flushed(const Flush& flush, const FlushPlan& plan);
  void Delivered(const DeliveryReport& report);
  // Of rules, before they fire.
  void Pending(const PostedAlert& alert, TimestampMs now);
  void Acknowledged(const Alert& alert, std::string by, std::string comment, TimestampMs now);
  // An alert that was known before a restart: that its group has it, or that it is muted, is no
  // news.
  void Restored(uint64_t fingerprint) { standings_[fingerprint].silent = true; }
  void Forget(uint64_t fingerprint) { standings_.erase(fingerprint); }

  // Moves what happened since the last call to the end of the changes' lists.
  void TakeEvents(AlertingChanges* changes);
  [[nodiscard]] AlertingCounters& counters() { return counters_; }
  [[nodiscard]] const AlertingCounters& counters() const { return counters_; }
  [[nodiscard]] size_t suppressed_alerts() const;

 private:
  // Where an alert is: in each of its groups, what mutes it, hashed; 0: nothing.
  struct Standing {
    bool silent = false;
    std::vector<std::pair<uint64_t, uint64_t>> groups;
  };
  // muted: null when neither silences nor inhibition hold it back.
  void Place(const Flush& flush, uint64_t group, const Alert& alert, const MutedAlert* muted,
             const std::vector<std::string>& intervals);
  AlertEvent EventOf(const Alert& alert, AlertEventKind kind, TimestampMs at) const;

  std::unordered_map<uint64_t, Standing> standings_;
  std::vector<AlertEvent> alert_events_;
  std::vector<NotificationEvent> notification_events_;
  AlertingCounters counters_;
};

}  // namespace vigil::alerting
