// SPDX-License-Identifier: Apache-2.0
// Where alerting keeps what must survive a restart.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/alerting/acknowledgements.h"
#include "server/alerting/alert.h"
#include "server/alerting/dispatcher.h"
#include "server/alerting/expect_watch.h"
#include "server/alerting/history.h"
#include "server/alerting/notification_log.h"
#include "server/alerting/silence.h"

namespace vigil::alerting {

// Everything at once, at start.
struct AlertingState {
  std::vector<Alert> alerts;
  // Fingerprints of alerts whose end moved on after they were stored (AlertLedger says more).
  std::vector<uint64_t> renewed;
  std::vector<GroupState> groups;
  std::vector<LogEntry> log;
  std::vector<Silence> silences;
  std::vector<Acknowledgement> acknowledgements;
  std::vector<Heartbeat> heartbeats;
};

// What changed since the last time. An alert, entry or silence is not both changed and gone, and is
// listed once, unless an AlertRouter's changes are taken as they are.
struct AlertingChanges {
  std::vector<AlertPtr> alerts;
  std::vector<uint64_t> renewed;      // fingerprints of stored alerts
  std::vector<uint64_t> gone_alerts;  // fingerprints
  std::vector<LogEntry> log;
  std::vector<LogEntry> gone_log;  // group_key and integration tell which
  std::vector<Silence> silences;
  std::vector<std::string> gone_silences;  // ids
  std::vector<Acknowledgement> acknowledgements;
  std::vector<uint64_t> gone_acknowledgements;  // fingerprints
  std::vector<Heartbeat> heartbeats;            // any: they replace those before
  // How many alerts storage knows after this, for a store that tidies up. Nothing: not said.
  std::optional<size_t> known_alerts;
  // For history: added, never changed.
  std::vector<AlertEvent> alert_events;
  std::vector<NotificationEvent> notification_events;
  [[nodiscard]] bool empty() const {
    return alerts.empty() && renewed.empty() && gone_alerts.empty() && log.empty() &&
           gone_log.empty() && silences.empty() && gone_silences.empty() &&
           acknowledgements.empty() && gone_acknowledgements.empty() && heartbeats.empty() &&
           alert_events.empty() && notification_events.empty();
  }
};

// A database, or memory in tests. All calls may block; on an error nothing of the call is stored.
// not_found from a Save: another server took the database over, for good.
// Threads: one at a time.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<AlertingState> Load() = 0;
  virtual Result<void> Save(const AlertingChanges& changes) = 0;
  // What may take long and nobody waits for: called after messages were sent.
  virtual void TidyUp() {}
  // The timers of groups, at a clean stop; they replace those before.
  virtual Result<void> SaveGroups(const std::vector<GroupState>& groups) = 0;
};

}  // namespace vigil::alerting
