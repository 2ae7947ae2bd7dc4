// SPDX-License-Identifier: Apache-2.0
// All of alerting behind one door: takes alerts, says what is to be sent to whom and when to look
// again. It sends nothing, stores nothing and owns no thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/alerting/alert_store.h"
#include "server/alerting/expect_watch.h"
#include "server/alerting/pipeline.h"
#include "server/alerting/retry.h"
#include "server/alerting/state_store.h"

namespace vigil::alerting {

// A message to hand to a receiver now. Each is answered by one call of Sent.
struct Outgoing {
  uint64_t id = 0;
  Integration integration;
  NotifyReason reason = NotifyReason::kNone;
  std::string group_key;
  Labels group_labels;
  std::shared_ptr<const RouteTree> tree;  // keeps `route` alive
  const Route* route = nullptr;
  std::vector<AlertPtr> alerts;
  TimestampMs now = 0;       // of the flush: decides who is over
  TimestampMs deadline = 0;  // no try lasts longer
  size_t tries = 0;          // before this one
  StringMap receiver_data;   // what the integration noted before
};

// How a message ended, after its last try or without one.
struct DeliveryReport {
  Integration integration;
  NotifyReason reason = NotifyReason::kNone;
  std::string group_key;
  Labels group_labels;
  std::vector<AlertPtr> alerts;
  TimestampMs flushed_at = 0;
  TimestampMs ended_at = 0;
  size_t tries = 0;
  NotificationResult result = NotificationResult::kSent;
  SendOutcome last;  // of the last try
};

// Threads: one at a time.
class AlertRouter {
 public:
  struct Options {
    DurationMs retention = 120LL * 3'600'000;
    DurationMs gc_interval = 1'800'000;
    size_t alerts_per_name = 0;
    DurationMs start_delay = 0;
    Dispatcher::Options dispatch;
    Silences::Options silences;
    // In [0, 1): spreads retries.
    std::function<double()> jitter = [] { return 0.5; };
  };
  AlertRouter(std::shared_ptr<const AlertingConfig> config, Options options, TimestampMs now);

  // Stores and routes what is good of a batch; the first problem of the others is the error.
  Result<void> Post(const std::vector<PostedAlert>& alerts, TimestampMs now);
  Result<void> Post(const PostedAlert& alert, TimestampMs now);
  // fingerprint: of the report's labels.
  Result<void> Post(const AlertReport& report, uint64_t fingerprint, TimestampMs now);
  // The same for one alert that only repeats what is known, times aside: false when there is more
  // to it, and then nothing was done.
  bool Refresh(const AlertReport& report, uint64_t fingerprint, TimestampMs now);
  // The same for the text of a report. REQUIRES: alerts().texts() finds it.
  bool Refresh(const AlertText& report, TimestampMs now);
  // Alerts changed since TakeChanges.
  [[nodiscard]] bool has_changes() const { return !changes_.alerts.empty(); }
  // A version of TakeChanges that ended by time alone while a later one goes on: nothing ended.
  [[nodiscard]] bool IsOutdated(const Alert& version, TimestampMs now) const;
  // When Advance has something to do.
  [[nodiscard]] TimestampMs NextDeadline() const;
  // The messages that are due, tries after failures included.
  std::vector<Outgoing> Advance(TimestampMs now);
  // How a try ended. `receiver_data` replaces the integration's notes when it was sent.
  void Sent(uint64_t id, const SendOutcome& outcome, TimestampMs now, StringMap receiver_data = {});

  // Tells of messages that wait for another try: before a stop, after which groups begin anew.
  void ReportUnsent(TimestampMs now);

  // Another configuration takes over: groups are formed anew, alerts, silences and log stay.
  void Reload(std::shared_ptr<const AlertingConfig> config, TimestampMs now);

  // All timers are so much earlier: the clock was set back.
  void MoveTimers(DurationMs by);

  // What was stored before a restart: once, before the first Advance. What counts from the start
  // (start_delay) counts from here.
  void Restore(const AlertingState& state, TimestampMs now);
  AlertingChanges TakeChanges();
  // ExpectWatch::TakeHeartbeats(): another part of the changes.
  std::vector<Heartbeat> TakeHeartbeats(TimestampMs now) { return expected_.TakeHeartbeats(now); }
  [[nodiscard]] std::vector<GroupState> ExportGroups() const { return dispatcher_->Export(); }

  [[nodiscard]] Silences& silences() { return silences_; }
  [[nodiscard]] const Silences& silences() const { return silences_; }
  [[nodiscard]] NotificationLog& log() { return log_; }
  [[nodiscard]] const AlertStore& alerts() const { return alerts_; }
  [[nodiscard]] Acknowledgements& acknowledgements() { return acknowledgements_; }
  [[nodiscard]] const Acknowledgements& acknowledgements() const { return acknowledgements_; }
  [[nodiscard]] const Inhibitor& inhibitor() const { return *inhibitor_; }
  [[nodiscard]] const Dispatcher& dispatcher() const { return *dispatcher_; }
  [[nodiscard]] const NotificationLog& log() const { return log_; }
  [[nodiscard]] const IntervalMap& intervals() const { return intervals_; }
  [[nodiscard]] const IntegrationMap& integrations() const { return integrations_; }
  [[nodiscard]] const AlertingConfig& config() const { return *config_; }
  [[nodiscard]] const std::shared_ptr<const AlertingConfig>& shared_config() const {
    return config_;
  }
  // What the last flush of each group came to, for history: called once per flush.
  void set_flush_observer(std::function<void(const Flush&, const FlushPlan&)> observer) {
    observer_ = std::move(observer);
  }
  // Called once per message. Neither observer may call the router.
  void set_delivery_observer(std::function<void(const DeliveryReport&)> observer) {
    delivery_observer_ = std::move(observer);
  }

 private:
  // A flush that still waits for receivers.
  struct Running {
    Flush flush;
    HashSet keep;
    size_t open = 0;
    bool failed = false;
  };
  // A message that is out or waits for its next try.
  struct Pending {
    uint64_t flush = 0;
    Delivery delivery;
    size_t tries = 0;
    TimestampMs next_try = 0;
    bool out = false;
    SendOutcome last;
  };
  // A message that was out when the configuration changed.
  struct Orphan {
    LogEntry entry;  // what the log says once it is sent
    DeliveryReport report;
    TimestampMs deadline = 0;  // it is answered by then
  };

  [[nodiscard]] LabelNames Names() const;
  void Accept(Alert alert, TimestampMs now, const TextKey& text = {});
  bool Move(std::optional<TimestampMs> starts_at, std::optional<TimestampMs> ends_at,
            TimestampMs now, AlertSlot* slot);
  void Tell(AlertSlot* slot, TimestampMs now);
  void PostExpected(TimestampMs now);
  [[nodiscard]] std::optional<bool> IsInInterval(std::string_view name, TimestampMs now) const;
  void Start(const Flush& flush);
  Outgoing Hand(uint64_t id, Pending* pending);
  void GiveUpLate(TimestampMs now);
  [[nodiscard]] DeliveryReport ReportOnPending(const Pending& pending) const;
  [[nodiscard]] bool WaitsForOrphan(const Flush& flush) const;
  void SentOrphan(uint64_t id, const SendOutcome& outcome, TimestampMs now,
                  StringMap receiver_data);
  void MakeDispatcher();
  void Report(DeliveryReport report, NotificationResult result, TimestampMs now);
  void Close(uint64_t id, bool success, TimestampMs now);
  void ForgetStoredAlerts(TimestampMs now);
  void CollectGarbage(TimestampMs now);

  std::shared_ptr<const AlertingConfig> config_;
  const Options options_;
  AlertStore alerts_;
  Silences silences_;
  NotificationLog log_;
  Acknowledgements acknowledgements_;
  ExpectWatch expected_;
  std::unique_ptr<Inhibitor> inhibitor_;
  std::unique_ptr<Dispatcher> dispatcher_;
  IntervalMap intervals_;
  IntegrationMap integrations_;
  TimestampMs next_gc_;
  TimestampMs no_flush_before_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, Running> flushes_;
  std::map<uint64_t, Pending> pending_;
  std::map<uint64_t, Orphan> orphans_;
  // By log key: a receiver asked to be left alone until then, across flushes.
  std::map<std::string, TimestampMs> not_before_;
  // Fingerprints that left the store but not their groups: storage still has them.
  std::set<uint64_t> leftover_;
  AlertingChanges changes_;
  std::function<void(const Flush&, const FlushPlan&)> observer_;
  std::function<void(const DeliveryReport&)> delivery_observer_;
};

}  // namespace vigil::alerting
