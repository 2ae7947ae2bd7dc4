// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/unsaved_changes.h"

#include <cstddef>
#include <iterator>
#include <utility>

namespace vigil::alerting {
namespace {

template <typename Event>
void AppendEvents(std::vector<Event>* from, std::vector<Event>* to) {
  if (to->empty()) {
    to->swap(*from);
    return;
  }
  to->insert(to->end(), std::make_move_iterator(from->begin()),
             std::make_move_iterator(from->end()));
}

// How many had to go. Some more are kept before any goes: cutting moves what stays.
template <typename Event>
uint64_t Cut(size_t most, std::vector<Event>* events) {
  if (events->size() <= most + most / 8) return 0;
  const size_t dropped = events->size() - most;
  events->erase(events->begin(), events->begin() + static_cast<std::ptrdiff_t>(dropped));
  return dropped;
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
  if (!changes.heartbeats.empty()) heartbeats_ = std::move(changes.heartbeats);
  AppendEvents(&changes.alert_events, &alert_events_);
  AppendEvents(&changes.notification_events, &notification_events_);
  dropped_ += Cut(max_events_, &alert_events_) + Cut(max_events_, &notification_events_);
}

AlertingChanges UnsavedChanges::Take() {
  AlertingChanges changes;
  changes.alerts.reserve(alerts_.size());
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
  changes.heartbeats = std::exchange(heartbeats_, {});
  changes.alert_events = std::exchange(alert_events_, {});
  changes.notification_events = std::exchange(notification_events_, {});
  alerts_.clear();
  renewed_.clear();
  log_.clear();
  silences_.clear();
  acknowledgements_.clear();
  return changes;
}

}  // namespace vigil::alerting
