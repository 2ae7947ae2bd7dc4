// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

namespace vigil::alerting {
namespace {

// An alert of the flush with its hash.
struct HashedAlert {
  AlertPtr alert;
  uint64_t hash = 0;
  bool over = false;
  bool acknowledged = false;
};

// The alerts of a flush by what holds them back.
struct SortedAlerts {
  std::vector<HashedAlert> open;
  std::vector<HashedAlert> muted;
};

template <typename T>
void AddIntegrations(const ReceiverConfig& receiver, std::string_view type,
                     const std::vector<T>& configs, std::vector<Integration>* out) {
  for (size_t i = 0; i < configs.size(); ++i) {
    out->push_back({receiver.name, std::string(type), i, configs[i].send_resolved});
  }
}

SortedAlerts SortOut(const Flush& flush, const PipelineView& view, FlushPlan* plan) {
  SortedAlerts sorted;
  for (const AlertPtr& alert : flush.alerts) {
    HashedAlert hashed{alert, alert->Hash(), alert->ResolvedAt(flush.now),
                       view.acknowledgements.Find(*alert) != nullptr};
    MutedAlert muted{alert, view.inhibitor.Find(alert->labels, flush.now),
                     view.silences.Muting(alert->labels, flush.now)};
    if (muted.inhibition || !muted.silences.empty()) {
      plan->muted.push_back(std::move(muted));
      sorted.muted.push_back(std::move(hashed));
    } else {
      sorted.open.push_back(std::move(hashed));
    }
  }
  return sorted;
}

// What a step of an escalation is told of.
SortedAlerts ForStep(const SortedAlerts& sorted, DurationMs after, TimestampMs now) {
  SortedAlerts out;
  out.muted = sorted.muted;
  for (const HashedAlert& alert : sorted.open) {
    const bool due = !alert.over && !alert.acknowledged && now - alert.alert->starts_at >= after;
    (due ? out.open : out.muted).push_back(alert);
  }
  return out;
}

bool AllAcknowledged(const SortedAlerts& sorted) {
  return std::all_of(sorted.open.begin(), sorted.open.end(),
                     [](const HashedAlert& alert) { return alert.over || alert.acknowledged; });
}

// Whom a message said to be firing and who has not been told of the end.
HashSet Announced(const LogEntry* entry) {
  return entry == nullptr ? HashSet() : Union(entry->firing, entry->owed);
}

void Add(const HashedAlert& alert, Delivery* delivery, NotifyQuestion* question) {
  (alert.over ? question->resolved : question->firing).push_back(alert.hash);
  delivery->alerts.push_back(alert.alert);
}

// What the message leaves out because the receiver does not want it.
void DropUnwanted(TimestampMs now, Delivery* delivery) {
  if (delivery->integration.send_resolved) return;
  auto& alerts = delivery->alerts;
  alerts.erase(std::remove_if(alerts.begin(), alerts.end(),
                              [&](const AlertPtr& alert) { return alert->ResolvedAt(now); }),
               alerts.end());
}

LogEntry NextEntry(const Flush& flush, const Target& target, DurationMs retention,
                   const NotifyQuestion& question) {
  LogEntry entry;
  if (question.entry != nullptr) entry.receiver_data = question.entry->receiver_data;
  entry.group_key = flush.group_key;
  entry.integration = target.log_name;
  entry.timestamp = flush.now;
  entry.firing = question.firing;
  entry.resolved = question.resolved;
  entry.expires_at = flush.now + std::min(2 * flush.route->repeat_interval, retention);
  return entry;
}

void PlanDelivery(const Flush& flush, const PipelineView& view, const Target& target,
                  const SortedAlerts& sorted, FlushPlan* plan) {
  Delivery delivery;
  delivery.integration = target.integration;
  NotifyQuestion question;
  question.entry = view.log.Find(flush.group_key, target.log_name);
  question.send_resolved = target.integration.send_resolved;
  question.repeat_interval = flush.route->repeat_interval;
  question.now = flush.now;
  const HashSet announced = Announced(question.entry);
  HashSet owed;
  for (const HashedAlert& alert : sorted.open) Add(alert, &delivery, &question);
  for (const HashedAlert& alert : sorted.muted) {
    if (!Contains(announced, alert.hash)) continue;
    if (alert.over) {
      Add(alert, &delivery, &question);
    } else {
      owed.push_back(alert.hash);
    }
  }
  if (delivery.alerts.empty()) return;
  std::sort(question.firing.begin(), question.firing.end());
  std::sort(question.resolved.begin(), question.resolved.end());
  std::sort(owed.begin(), owed.end());
  delivery.reason = DecideNotification(question);
  if (delivery.reason == NotifyReason::kNone) return;
  if (delivery.reason == NotifyReason::kRepeat && AllAcknowledged(sorted)) return;
  const bool news =
      delivery.reason == NotifyReason::kFirst || delivery.reason == NotifyReason::kNewAlerts;
  if (target.after && news) delivery.reason = NotifyReason::kEscalated;
  std::sort(delivery.alerts.begin(), delivery.alerts.end(),
            [](const AlertPtr& a, const AlertPtr& b) { return NotificationOrder(*a, *b); });
  delivery.entry = NextEntry(flush, target, view.retention, question);
  delivery.entry.owed = std::move(owed);
  DropUnwanted(flush.now, &delivery);
  plan->deliveries.push_back(std::move(delivery));
}

// While the route rests, alerts whose end is owed wait in the group.
void KeepOwed(const Flush& flush, const PipelineView& view, const std::vector<Target>& targets,
              FlushPlan* plan) {
  for (const Target& target : targets) {
    const LogEntry* entry = view.log.Find(flush.group_key, target.log_name);
    const HashSet announced = Announced(entry);
    HashSet over;
    for (const AlertPtr& alert : flush.alerts) {
      const uint64_t hash = alert->Hash();
      if (alert->ResolvedAt(flush.now) && Contains(announced, hash)) over.push_back(hash);
    }
    std::sort(over.begin(), over.end());
    plan->keep = Union(plan->keep, over);
  }
}

bool InInterval(const IntervalMap& intervals, const std::string& name, TimestampMs now) {
  const auto found = intervals.find(name);
  if (found == intervals.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [now](const TimeInterval& interval) { return interval.Contains(now); });
}

}  // namespace

IntegrationMap ListIntegrations(const std::vector<ReceiverConfig>& receivers) {
  IntegrationMap map;
  for (const ReceiverConfig& receiver : receivers) {
    std::vector<Integration>& out = map[receiver.name];
    AddIntegrations(receiver, "webhook", receiver.webhook, &out);
    AddIntegrations(receiver, "email", receiver.email, &out);
    AddIntegrations(receiver, "pagerduty", receiver.pagerduty, &out);
    AddIntegrations(receiver, "opsgenie", receiver.opsgenie, &out);
    AddIntegrations(receiver, "wechat", receiver.wechat, &out);
    AddIntegrations(receiver, "slack", receiver.slack, &out);
    AddIntegrations(receiver, "victorops", receiver.victorops, &out);
    AddIntegrations(receiver, "pushover", receiver.pushover, &out);
    AddIntegrations(receiver, "sns", receiver.sns, &out);
    AddIntegrations(receiver, "telegram", receiver.telegram, &out);
    AddIntegrations(receiver, "discord", receiver.discord, &out);
    AddIntegrations(receiver, "webex", receiver.webex, &out);
    AddIntegrations(receiver, "msteams", receiver.msteams, &out);
    AddIntegrations(receiver, "msteamsv2", receiver.msteamsv2, &out);
    AddIntegrations(receiver, "jira", receiver.jira, &out);
    AddIntegrations(receiver, "rocketchat", receiver.rocketchat, &out);
    AddIntegrations(receiver, "mattermost", receiver.mattermost, &out);
    AddIntegrations(receiver, "incidentio", receiver.incidentio, &out);
  }
  return map;
}

IntervalMap MapIntervals(const AlertingConfig& config) {
  IntervalMap map;
  for (const auto* list : {&config.mute_time_intervals, &config.time_intervals}) {
    for (const NamedTimeInterval& named : *list) map[named.name] = named.intervals;
  }
  return map;
}

std::vector<std::string> MutingIntervals(const Route& route, const IntervalMap& intervals,
                                         TimestampMs now) {
  const auto inside = [&](const std::string& name) { return InInterval(intervals, name, now); };
  const std::vector<std::string>& active = route.active_time_intervals;
  if (!active.empty() && std::none_of(active.begin(), active.end(), inside)) return active;
  std::vector<std::string> muting;
  for (const std::string& name : route.mute_time_intervals) {
    if (inside(name)) muting.push_back(name);
  }
  return muting;
}

std::vector<Target> TargetsOf(const Route& route, const IntegrationMap& integrations) {
  std::vector<Target> targets;
  const auto add = [&](const std::string& receiver, std::optional<DurationMs> after) {
    const auto found = integrations.find(receiver);
    if (found == integrations.end()) return;
    for (const Integration& integration : found->second) {
      std::string name = IntegrationKey(integration);
      if (after) name += fmt::format(" after {}", FormatDuration(*after));
      targets.push_back({integration, std::move(name), after});
    }
  };
  add(route.receiver, std::nullopt);
  for (const EscalationConfig& step : route.escalations) add(step.receiver, step.after);
  return targets;
}

FlushPlan PlanFlush(const Flush& flush, const PipelineView& view) {
  FlushPlan plan;
  const std::vector<Target> targets = TargetsOf(*flush.route, view.integrations);
  const SortedAlerts sorted = SortOut(flush, view, &plan);
  plan.muting_intervals = MutingIntervals(*flush.route, view.intervals, flush.now);
  if (!plan.muting_intervals.empty()) {
    KeepOwed(flush, view, targets, &plan);
    return plan;
  }
  for (const Target& target : targets) {
    if (target.after) {
      PlanDelivery(flush, view, target, ForStep(sorted, *target.after, flush.now), &plan);
    } else {
      PlanDelivery(flush, view, target, sorted, &plan);
    }
  }
  return plan;
}

}  // namespace vigil::alerting
