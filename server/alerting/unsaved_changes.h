// SPDX-License-Identifier: Apache-2.0
// Changes that storage does not have yet, folded: the last word on each thing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "server/alerting/state_store.h"

namespace vigil::alerting {

// Events beyond max_events, or an eighth more, are dropped, the oldest first: a database that is
// away for days must not fill the memory. State is never dropped. Threads: one at a time.
class UnsavedChanges {
 public:
  explicit UnsavedChanges(size_t max_events) : max_events_(max_events) {}

  // In a router's order: alerts change before they go, entries of the log and silences go before
  // they change.
  void Add(AlertingChanges changes);
  // Hands everything out and is empty. After a Save that failed: Return before anything is added.
  AlertingChanges Take();
  void Return(AlertingChanges changes) { Add(std::move(changes)); }

  [[nodiscard]] bool empty() const { return rows() == 0; }
  // True when a receiver was told something that storage does not know.
  [[nodiscard]] bool has_log() const { return !log_.empty(); }
  // True when storage has to learn something before messages go out.
  [[nodiscard]] bool has_state() const { return rows() > events(); }
  [[nodiscard]] size_t rows() const {
    return alerts_.size() + renewed_.size() + log_.size() + silences_.size() +
           acknowledgements_.size() + heartbeats_.size() + events();
  }
  [[nodiscard]] uint64_t dropped_events() const { return dropped_; }

 private:
  [[nodiscard]] size_t events() const { return alert_events_.size() + notification_events_.size(); }
  struct Logged {
    LogEntry entry;
    bool gone = false;
  };

  const size_t max_events_;
  std::unordered_map<uint64_t, AlertPtr> alerts_;  // null: gone
  std::unordered_set<uint64_t> renewed_;
  std::map<std::string, Logged> log_;
  std::map<std::string, std::optional<Silence>> silences_;               // nothing: gone
  std::map<uint64_t, std::optional<Acknowledgement>> acknowledgements_;  // nothing: gone
  std::vector<Heartbeat> heartbeats_;                                    // none: nothing new
  std::vector<AlertEvent> alert_events_;
  std::vector<NotificationEvent> notification_events_;
  uint64_t dropped_ = 0;
};

}  // namespace vigil::alerting
