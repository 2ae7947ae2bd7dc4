// SPDX-License-Identifier: Apache-2.0
// Where alerting keeps what must survive a restart.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/alerting/alert.h"
#include "server/alerting/dispatcher.h"
#include "server/alerting/notification_log.h"
#include "server/alerting/silence.h"

namespace vigil::alerting {

// Everything at once, at start.
struct AlertingState {
  std::vector<Alert> alerts;
  std::vector<GroupState> groups;
  std::vector<LogEntry> log;
  std::vector<Silence> silences;
};

// What changed since the last time.
struct AlertingChanges {
  std::vector<AlertPtr> alerts;
  std::vector<uint64_t> gone_alerts;  // fingerprints
  std::vector<LogEntry> log;
  std::vector<Silence> silences;
  std::vector<std::string> gone_silences;  // ids
  [[nodiscard]] bool empty() const {
    return alerts.empty() && gone_alerts.empty() && log.empty() && silences.empty() &&
           gone_silences.empty();
  }
};

// A database, or memory in tests. Both calls may block; on an error nothing of the call is stored.
// Threads: one at a time.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<AlertingState> Load() = 0;
  virtual Result<void> Save(const AlertingChanges& changes) = 0;
  // The timers of groups, at a clean stop.
  virtual Result<void> SaveGroups(const std::vector<GroupState>& groups) = 0;
};

}  // namespace vigil::alerting
