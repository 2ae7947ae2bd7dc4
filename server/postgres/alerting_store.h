// SPDX-License-Identifier: Apache-2.0
// alerting::StateStore and AlertHistoryReader in PostgreSQL.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/alerting/history.h"
#include "server/alerting/state_store.h"
#include "server/postgres/connection.h"
#include "server/postgres/ownership.h"

namespace vigil::postgres {

struct AlertingStoreOptions {
  std::string conninfo;
  Ownership owner;
  // For each statement, of which a Save has a few, and more when it stores thousands of alerts.
  int64_t timeout_ms = 10'000;
  // How long a database may take to say that it is there; also to let a connection in after it
  // failed.
  int64_t probe_ms = 3'000;
};

// A Save is one transaction under the fence. Keeps one connection, opened when it is needed; each
// read of history opens one of its own.
// Threads: one at a time for StateStore; any for the rest.
class PostgresAlertingStore final : public alerting::StateStore,
                                    public alerting::AlertHistoryReader {
 public:
  PostgresAlertingStore(AlertingStoreOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  Result<alerting::AlertingState> Load() override;
  Result<void> Save(const alerting::AlertingChanges& changes) override;
  void TidyUp() override;
  Result<void> SaveGroups(const std::vector<alerting::GroupState>& groups) override;

  Result<std::vector<alerting::AlertEvent>> ReadAlerts(
      const alerting::HistoryQuery& query) override;
  Result<std::vector<alerting::NotificationEvent>> ReadNotifications(
      const alerting::HistoryQuery& query) override;

  // Days of history that ended longer ago are dropped, once an hour. 0: kept for ever.
  void SetHistoryRetention(int64_t ms) { history_retention_ms_ = ms; }

 private:
  Result<void> Connect();
  // One transaction with a connection that is known to work afterwards, or dropped.
  template <typename F>
  Result<void> Transact(F&& body);
  Result<void> Fence();
  Result<void> WriteHistory(const alerting::AlertingChanges& changes);
  Result<void> OpenDays(const alerting::AlertingChanges& changes);
  Result<void> OpenDay(int64_t day);
  void KeepUpHistory();
  Result<void> DropOldDays(TimestampMs before);

  const AlertingStoreOptions options_;
  const Clock& clock_;
  std::atomic<int64_t> history_retention_ms_{0};
  std::unique_ptr<Connection> connection_;
  bool in_doubt_ = false;   // the last transaction failed
  std::set<int64_t> days_;  // whose partitions are known to be there
  TimestampMs kept_up_at_ = 0;
  int64_t said_ = 0;     // versions and marks in the pages of alerts, about
  int64_t fold_at_ = 0;  // no fold before: the last one failed
  bool fold_due_ = false;
};

}  // namespace vigil::postgres
