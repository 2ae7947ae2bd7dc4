// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/unsaved_changes.h"

#include <utility>

namespace vigil::alerting {
namespace {

template <typename Event>
void AppendEvents(std::vector<Event>* from, std::deque<Event>* to) {
  for (Event& event : *from) to->push_back(std::move(event));
}

// How many had to go.
template <typename Event>
uint64_t Cut(size_t most, std::deque<Event>* events) {
  uint64_t dropped = 0;
  for (; events->size() > most; ++dropped) events->pop_front();
  return dropped;
}

template <typename Event>
std::vector<Event> TakeEvents(std::deque<Event>* events) {
  std::vector<Event> out(std::make_move_iterator(events->begin()),
                         std::make_move_iterator(events->end()));
  events->clear();
  return out;
}

std::string UnsavedKey(const LogEntry& entry) { return entry.group_key + ":" + entry.integration; }

}  // namespace

void UnsavedChanges::Add(AlertingChanges changes) {
  for (AlertPtr& alert : changes.alerts) {
    const uint64_t fingerprint = alert->fingerprint;
    alerts_[fingerprint] = std::move(alert);
  }
  for (const uint64_t fingerprint : changes.renewed) renewed_.insert(fingerprint);
  for (const uint64_t fingerprint : changes.gone_alerts) {
    alerts_[fingerprint] = nullptr;
    renewed_.erase(fingerprint);
  }
  for (LogEntry& entry : changes.gone_log) {
    std::string key = UnsavedKey(entry);
    log_[std::move(key)] = {std::move(entry), true};
  }
  for (LogEntry& entry : changes.log) {
    std::string key = UnsavedKey(entry);
    log_[std::move(key)] = {std::move(entry), false};
  }
  for (const std::string& id : changes.gone_silences) silences_[id] = std::nullopt;
  for (Silence& silence : changes.silences) {
    const std::string id = silence.id;
    silences_[id] = std::move(silence);
  }
  for (const uint64_t fingerprint : changes.gone_acknowledgements) {
    acknowledgements_[fingerprint] = std::nullopt;
  }
  for (Acknowledgement& one : changes.acknowledgements) {
    const uint64_t fingerprint = one.fingerprint;
    acknowledgements_[fingerprint] = std::move(one);
  }
  AppendEvents(&changes.alert_events, &alert_events_);
  AppendEvents(&changes.notification_events, &notification_events_);
  dropped_ += Cut(max_events_, &alert_events_) + Cut(max_events_, &notification_events_);
}

AlertingChanges UnsavedChanges::Take() {
  AlertingChanges changes;
  for (auto& [fingerprint, alert] : alerts_) {
    if (alert == nullptr) {
      changes.gone_alerts.push_back(fingerprint);
    } else {
      changes.alerts.push_back(std::move(alert));
    }
  }
  changes.renewed.assign(renewed_.begin(), renewed_.end());
  for (auto& [key, logged] : log_) {
    (logged.gone ? changes.gone_log : changes.log).push_back(std::move(logged.entry));
  }
  for (auto& [id, silence] : silences_) {
    if (silence) {
      changes.silences.push_back(*std::move(silence));
    } else {
      changes.gone_silences.push_back(id);
    }
  }
  for (auto& [fingerprint, one] : acknowledgements_) {
    if (one) {
      changes.acknowledgements.push_back(*std::move(one));
    } else {
      changes.gone_acknowledgements.push_back(fingerprint);
    }
  }
  changes.alert_events = TakeEvents(&alert_events_);
  changes.notification_events = TakeEvents(&notification_events_);
  alerts_.clear();
  renewed_.clear();
  log_.clear();
  silences_.clear();
  acknowledgements_.clear();
  return changes;
}

}  // namespace vigil::alerting
