// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/history_recorder.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

namespace vigil::alerting {
namespace {

constexpr uint64_t kFold = 0x9e3779b97f4a7c15ULL;

uint64_t AddText(uint64_t hash, std::string_view text, uint64_t kind) {
  return (hash ^ std::hash<std::string_view>()(text) ^ kind) * kFold + 1;
}

// 0 for an alert that nothing mutes, and for nothing else.
uint64_t MuteHash(const MutedAlert* muted, const std::vector<std::string>& intervals) {
  uint64_t hash = 0;
  for (const std::string& name : intervals) hash = AddText(hash, name, 1);
  if (muted != nullptr) {
    for (const std::string& id : muted->silences) hash = AddText(hash, id, 2);
    if (muted->inhibition) hash = (hash ^ muted->inhibition->source) * kFold + 1;
  }
  return muted == nullptr && intervals.empty() ? 0 : std::max<uint64_t>(hash, 1);
}

// Nothing is moved one by one when there was nothing before.
template <typename Event>
void MoveToEnd(std::vector<Event>* from, std::vector<Event>* to) {
  if (to->empty()) {
    to->swap(*from);
    return;
  }
  to->insert(to->end(), std::make_move_iterator(from->begin()),
             std::make_move_iterator(from->end()));
  from->clear();
}

Labels CommonLabels(const std::vector<AlertPtr>& alerts) {
  if (alerts.empty()) return {};
  LabelsBuilder builder(alerts.front()->labels);
  for (const LabelView label : alerts.front()->labels) {
    const bool common = std::all_of(alerts.begin(), alerts.end(), [&](const AlertPtr& alert) {
      return alert->labels.Get(label.name) == label.value;
    });
    if (!common) builder.Delete(label.name);
  }
  return builder.Build();
}

}  // namespace

void LatencyCounts::Add(double seconds) {
  ++count;
  sum += seconds;
  for (size_t i = 0; i < kBounds.size(); ++i) within[i] += seconds <= kBounds[i] ? 1 : 0;
}

std::string FailureReason(int status, bool out_of_time) {
  if (status == 429) return "rateLimited";
  if (status == 401 || status == 403) return "authError";
  if (status >= 400 && status < 500) return "clientError";
  if (status >= 500) return "serverError";
  return out_of_time ? "contextDeadlineExceeded" : "other";
}

AlertEvent HistoryRecorder::EventOf(const Alert& alert, AlertEventKind kind, TimestampMs at) const {
  AlertEvent event;
  event.at = at;
  event.kind = kind;
  event.fingerprint = alert.fingerprint;
  event.labels = alert.labels;
  event.starts_at = alert.starts_at;
  return event;
}

void HistoryRecorder::Noted(const Alert& alert, AlertLedger::Change change, TimestampMs now) {
  if (change == AlertLedger::Change::kNone) return;
  const bool firing = change == AlertLedger::Change::kFiring;
  AlertEvent event =
      EventOf(alert, firing ? AlertEventKind::kFiring : AlertEventKind::kResolved, now);
  event.annotations = alert.annotations;
  if (!firing) event.ends_at = alert.ends_at;
  alert_events_.push_back(std::move(event));
}

void HistoryRecorder::Pending(const PostedAlert& alert, TimestampMs now) {
  AlertEvent& event = alert_events_.emplace_back();
  event.at = now;
  event.kind = AlertEventKind::kPending;
  event.fingerprint = Fingerprint(alert.labels);
  event.labels = alert.labels;
  event.annotations = alert.annotations;
  event.starts_at = alert.starts_at.value_or(now);
}

void HistoryRecorder::Acknowledged(const Alert& alert, std::string by, std::string comment,
                                   TimestampMs now) {
  AlertEvent event = EventOf(alert, AlertEventKind::kAcknowledged, now);
  event.by = std::move(by);
  event.comment = std::move(comment);
  alert_events_.push_back(std::move(event));
}

void HistoryRecorder::Place(const Flush& flush, uint64_t group, const Alert& alert,
                            const MutedAlert* muted, const std::vector<std::string>& intervals) {
  const uint64_t mute = MuteHash(muted, intervals);
  Standing& standing = standings_[alert.fingerprint];
  const auto found = std::find_if(standing.groups.begin(), standing.groups.end(),
                                  [&](const auto& one) { return one.first == group; });
  const bool fresh = found == standing.groups.end();
  if (!fresh && std::exchange(found->second, mute) == mute) return;
  if (fresh) standing.groups.emplace_back(group, mute);
  if (fresh && standing.silent) return;
  AlertEvent event = EventOf(alert, AlertEventKind::kGrouped, flush.now);
  event.group_key = flush.group_key;
  event.receiver = flush.route->receiver;
  if (fresh) alert_events_.push_back(event);
  if (fresh && mute == 0) return;
  event.kind = mute == 0 ? AlertEventKind::kUnmuted : AlertEventKind::kMuted;
  event.intervals = intervals;
  if (muted != nullptr) {
    event.silences = muted->silences;
    if (muted->inhibition) {
      event.inhibited_by.push_back(FingerprintText(muted->inhibition->source));
    }
  }
  alert_events_.push_back(std::move(event));
}

void HistoryRecorder::Flushed(const Flush& flush, const FlushPlan& plan) {
  std::unordered_map<uint64_t, const MutedAlert*> muted;
  for (const MutedAlert& one : plan.muted) {
    muted[one.alert->fingerprint] = &one;
    ++counters_.suppressed[one.inhibition ? "inhibition" : "silence"];
  }
  if (!plan.muting_intervals.empty()) {
    const bool active = plan.muting_intervals == flush.route->active_time_intervals;
    counters_.suppressed[active ? "active_time_interval" : "mute_time_interval"] +=
        flush.alerts.size() - plan.muted.size();
  }
  const uint64_t group =
      AddText(std::hash<std::string>()(flush.group_key), flush.route->id, flush.route->index);
  for (const AlertPtr& alert : flush.alerts) {
    const auto found = muted.find(alert->fingerprint);
    Place(flush, group, *alert, found == muted.end() ? nullptr : found->second,
          plan.muting_intervals);
  }
}

void HistoryRecorder::Delivered(const DeliveryReport& report) {
  NotificationEvent event;
  event.at = report.ended_at;
  event.flushed_at = report.flushed_at;
  event.group_key = report.group_key;
  event.group_labels = report.group_labels;
  event.common_labels = CommonLabels(report.alerts);
  event.integration = report.integration;
  event.reason = report.reason;
  event.result = report.result;
  event.tries = report.tries;
  event.status = report.last.status;
  event.error = report.last.error;
  for (const AlertPtr& alert : report.alerts) {
    const bool over = alert->ResolvedAt(report.flushed_at);
    (over ? event.resolved : event.firing).push_back(alert->fingerprint);
  }
  const std::string& type = report.integration.type;
  if (report.result != NotificationResult::kUnwanted) {
    const bool sent = report.result == NotificationResult::kSent;
    ++counters_.notifications[type];
    counters_.tries[type] += report.tries;
    counters_.tries_failed[type] += report.tries - (sent ? 1 : 0);
    counters_.latency[type].Add(static_cast<double>(report.ended_at - report.flushed_at) / 1000);
    if (!sent) {
      const bool late = report.last.verdict == SendVerdict::kRetry;
      ++counters_.notifications_failed[{type, FailureReason(report.last.status, late)}];
    }
  }
  notification_events_.push_back(std::move(event));
}

void HistoryRecorder::TakeEvents(AlertingChanges* changes) {
  MoveToEnd(&alert_events_, &changes->alert_events);
  MoveToEnd(&notification_events_, &changes->notification_events);
}

size_t HistoryRecorder::suppressed_alerts() const {
  size_t count = 0;
  for (const auto& [fingerprint, standing] : standings_) {
    count += std::any_of(standing.groups.begin(), standing.groups.end(),
                         [](const auto& group) { return group.second != 0; })
                 ? 1
                 : 0;
  }
  return count;
}

}  // namespace vigil::alerting
