// SPDX-License-Identifier: Apache-2.0
// What alerting needs around it, in memory: a state store that can fail, and a notifier whose
// receivers answer when the test says so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/alerting/notifier.h"
#include "server/alerting/state_store.h"

namespace vigil::alerting {

// Threads: one at a time.
class MemoryStateStore : public StateStore {
 public:
  Result<AlertingState> Load() override {
    AlertingState state;
    for (const auto& [fingerprint, alert] : alerts) {
      state.alerts.push_back(alert.first);
      if (alert.second) state.renewed.push_back(fingerprint);
    }
    for (const auto& [key, entry] : log) state.log.push_back(entry);
    for (const auto& [id, silence] : silences) state.silences.push_back(silence);
    for (const auto& [fingerprint, one] : acknowledgements) state.acknowledgements.push_back(one);
    state.groups = groups;
    state.heartbeats = heartbeats;
    return state;
  }
  Result<void> Save(const AlertingChanges& changes) override {
    if (on_save) on_save();
    if (taken_over) return NotFound("another server has this database");
    if (fails) return Unavailable("the database is away");
    ++saves;
    for (const AlertPtr& alert : changes.alerts) {
      ++alert_rows;
      alerts[alert->fingerprint].first = *alert;
    }
    for (const uint64_t renewed : changes.renewed) alerts.at(renewed).second = true;
    for (const uint64_t gone : changes.gone_alerts) alerts.erase(gone);
    for (const LogEntry& gone : changes.gone_log) log.erase(gone.group_key + gone.integration);
    for (const LogEntry& entry : changes.log) log[entry.group_key + entry.integration] = entry;
    for (const std::string& gone : changes.gone_silences) silences.erase(gone);
    for (const Silence& silence : changes.silences) silences[silence.id] = silence;
    for (const uint64_t gone : changes.gone_acknowledgements) acknowledgements.erase(gone);
    for (const Acknowledgement& one : changes.acknowledgements) {
      acknowledgements[one.fingerprint] = one;
    }
    if (!changes.heartbeats.empty()) heartbeats = changes.heartbeats;
    alert_events.insert(alert_events.end(), changes.alert_events.begin(),
                        changes.alert_events.end());
    notification_events.insert(notification_events.end(), changes.notification_events.begin(),
                               changes.notification_events.end());
    return Ok();
  }
  Result<void> SaveGroups(const std::vector<GroupState>& states) override {
    if (fails) return Unavailable("the database is away");
    groups = states;
    return Ok();
  }

  bool fails = false;
  bool taken_over = false;  // by another server
  std::function<void()> on_save;
  size_t saves = 0;
  size_t alert_rows = 0;                              // written
  std::map<uint64_t, std::pair<Alert, bool>> alerts;  // and whether renewed
  std::map<std::string, LogEntry> log;
  std::map<std::string, Silence> silences;
  std::map<uint64_t, Acknowledgement> acknowledgements;
  std::vector<GroupState> groups;
  std::vector<Heartbeat> heartbeats;
  std::vector<AlertEvent> alert_events;
  std::vector<NotificationEvent> notification_events;
};

// Threads: one at a time.
class FakeNotifier : public Notifier {
 public:
  struct Sent {
    Outgoing message;
    Done done;
  };

  void Send(Outgoing message, Done done) override {
    sent.push_back({std::move(message), std::move(done)});
    if (answers_at_once) Answer(sent.size() - 1, {});
  }
  Result<void> Apply(std::shared_ptr<const AlertingConfig> /*config*/) override {
    if (refuses) return BadData("a template cannot be read");
    ++applied;
    return Ok();
  }
  void Stop() override {
    SendOutcome stopping;
    stopping.verdict = SendVerdict::kRetry;
    stopping.error = "the server is stopping";
    for (size_t i = 0; i < sent.size(); ++i) Answer(i, stopping);
  }
  // Nothing for a message that was answered.
  void Answer(size_t index, SendOutcome outcome, StringMap data = {}) {
    const Done done = std::exchange(sent.at(index).done, nullptr);
    if (done) done(sent[index].message.id, std::move(outcome), std::move(data));
  }

  bool answers_at_once = false;
  bool refuses = false;
  size_t applied = 0;
  std::vector<Sent> sent;
};

}  // namespace vigil::alerting
