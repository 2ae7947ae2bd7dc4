// SPDX-License-Identifier: Apache-2.0
// What others get to know of alerts: sinks, the series ALERTS and ALERTS_FOR_STATE, the stored
// state; and the way back at start.
#include <algorithm>
#include <cmath>

#include "client-lib/base/log.h"
#include "client-lib/model/matcher.h"
#include "server/rules/alerting_rule.h"

namespace vigil::rules {
namespace {

constexpr std::string_view kAlerts = "ALERTS";
constexpr std::string_view kAlertsForState = "ALERTS_FOR_STATE";
// Alerts that are sent at once: their copies need memory.
constexpr size_t kSendBatch = 1024;

bool IsDue(const ActiveAlert& alert, TimestampMs at, DurationMs resend_delay) {
  if (alert.state == AlertState::kPending) return false;
  if (alert.resolved_at > alert.last_sent_at) return true;
  return alert.last_sent_at == storage::kNever || alert.last_sent_at + resend_delay < at;
}

int64_t FloorSeconds(TimestampMs at) { return at >= 0 ? at / 1000 : (at - 999) / 1000; }

}  // namespace

void AlertingRule::Send(const Round& round) {
  // Two evaluations or posts may fail before the alert is taken for resolved.
  const DurationMs valid_for = 4 * std::max(round.interval, world_.resend_delay);
  std::vector<alerting::PostedAlert> batch;
  const auto post = [&] {
    if (batch.empty() || world_.sink == nullptr) return;
    if (Result<void> posted = world_.sink->Post(batch); !posted) {
      log::Warn("rules", "alerts could not be handed on",
                {{"alert", spec_.alert}, {"err", posted.error()}});
    }
    batch.clear();
  };
  std::vector<alerting::PostedAlert> pending;
  for (const AlertPtr& alert : alerts_) {
    // It became so in this round.
    if (alert->state == AlertState::kPending && alert->active_at == round.at) {
      pending.push_back(
          {alert->labels, alert->annotations, alert->active_at, std::nullopt, generator_url_});
    }
    if (!IsDue(*alert, round.at, world_.resend_delay)) continue;
    alert->last_sent_at = round.at;
    const bool resolved = alert->resolved_at != storage::kNever;
    batch.push_back({alert->labels, alert->annotations, alert->fired_at,
                     resolved ? alert->resolved_at : round.at + valid_for, generator_url_});
    if (batch.size() == kSendBatch) post();
  }
  post();
  if (!pending.empty() && world_.sink != nullptr) world_.sink->NotePending(pending);
}

Labels AlertingRule::SeriesLabels(const ActiveAlert& alert, std::string_view name,
                                  std::string_view state) const {
  LabelsBuilder builder(alert.labels);
  builder.Set(kMetricName, name);
  builder.Set("alertname", spec_.alert);
  if (!state.empty()) builder.Set("alertstate", state);
  return builder.Build();
}

void AlertingRule::EndSeries(storage::SeriesRef* ref, TimestampMs at) {
  if (*ref != 0) markers_.Add(*ref, at, StaleNaN());
  *ref = 0;
}

Result<void> AlertingRule::WriteAlert(ActiveAlert* alert, TimestampMs at) {
  if (alert->written_state != alert->state) EndSeries(&alert->alerts_ref, at);
  alert->written_state = alert->state;
  if (alert->state == AlertState::kInactive) {
    EndSeries(&alert->for_state_ref, at);
    return Ok();
  }
  if (alert->alerts_ref == 0) {
    alert->alerts_ref =
        TRY(world_.appender.Resolve(SeriesLabels(*alert, kAlerts, AlertStateName(alert->state))));
  }
  if (alert->for_state_ref == 0) {
    alert->for_state_ref = TRY(world_.appender.Resolve(SeriesLabels(*alert, kAlertsForState, {})));
  }
  batch_.Add(alert->alerts_ref, at, 1);
  batch_.Add(alert->for_state_ref, at, static_cast<double>(FloorSeconds(alert->active_at)));
  return Ok();
}

Result<bool> AlertingRule::Write(const Round& round) {
  batch_.Clear();
  markers_.Clear();
  if (!restored_) return true;
  // A series that finds no room does not keep the others out.
  Result<void> resolved;
  for (const AlertPtr& alert : alerts_) {
    Result<void> written = WriteAlert(alert.get(), round.sample_time());
    if (!written && resolved) resolved = std::move(written);
  }
  for (storage::SeriesRef& ref : ended_) EndSeries(&ref, round.sample_time());
  ended_.clear();
  // Behind the samples: a series that an alert has given up and another taken goes on.
  const size_t ended = batch_.size();
  for (const storage::SeriesRef ref : markers_.refs) {
    batch_.Add(ref, round.sample_time(), StaleNaN());
  }
  Result<bool> appended = Append(&batch_, ended);
  // Nothing was taken: the markers are due with the next samples.
  if (!appended && appended.error().kind == ErrorKind::kUnavailable) ended_ = markers_.refs;
  if (appended && *appended && !resolved) return std::move(resolved).error();
  return appended;
}

void AlertingRule::NoteChange(const ActiveAlert& alert) {
  if (world_.states == nullptr) return;
  changes_.changed.push_back({identity_, alert.labels, alert.annotations,
                              static_cast<storage::StoredAlertState>(alert.state), alert.value,
                              alert.active_at, alert.fired_at, alert.resolved_at,
                              alert.keep_firing_since});
}

void AlertingRule::SendChanges() {
  if (world_.states != nullptr && !changes_.empty()) world_.states->Note(std::move(changes_));
  changes_ = {};
}

void AlertingRule::Load(std::vector<storage::StoredAlert> alerts, TimestampMs settled) {
  const MutexLock lock(mutex_);
  settled_ = settled;
  for (storage::StoredAlert& stored : alerts) {
    auto alert = std::make_unique<ActiveAlert>();
    alert->labels = std::move(stored.labels);
    alert->annotations = std::move(stored.annotations);
    alert->value = stored.value;
    alert->state = static_cast<AlertState>(stored.state);
    alert->active_at = stored.active_at;
    alert->fired_at = stored.fired_at;
    alert->resolved_at = stored.resolved_at;
    alert->keep_firing_since = stored.keep_firing_since;
    if (!by_labels_.emplace(alert->labels, alert.get()).second) continue;
    if (alert->state != AlertState::kInactive) {
      // So that its series end when it is gone already. Without them it is only less tidy.
      alert->written_state = alert->state;
      const auto written =
          world_.appender.Resolve(SeriesLabels(*alert, kAlerts, AlertStateName(alert->state)));
      const auto since = world_.appender.Resolve(SeriesLabels(*alert, kAlertsForState, {}));
      alert->alerts_ref = written ? *written : 0;
      alert->for_state_ref = since ? *since : 0;
    }
    alerts_.push_back(std::move(alert));
  }
}

Result<std::unordered_map<Labels, Sample>> AlertingRule::LastForStates(TimestampMs now) const {
  const std::vector<Matcher> matchers = {Matcher::Equal(kMetricName, kAlertsForState),
                                         Matcher::Equal("alertname", spec_.alert)};
  storage::SelectHints hints;
  hints.start = now - world_.outage_tolerance;
  hints.end = now;
  const auto set = TRY(world_.store.Select(matchers, hints));
  std::unordered_map<Labels, Sample> last;
  SampleColumns samples;
  for (size_t i = 0; i < set->size(); ++i) {
    samples.Clear();
    TRY(set->Read(i, &samples));
    if (samples.empty()) continue;
    last.emplace(set->labels(i).WithoutName(),
                 Sample{samples.timestamps.back(), samples.values.back()});
  }
  return last;
}

void AlertingRule::RestoreFromSeries(TimestampMs now) {
  const bool waits = spec_.hold >= world_.grace_period;
  const auto last = waits ? LastForStates(now) : std::unordered_map<Labels, Sample>();
  if (!last) {
    log::Warn("rules", "the state of alerts could not be restored, they begin anew",
              {{"alert", spec_.alert}, {"err", last.error()}});
    restored_ = true;
    return;
  }
  const MutexLock lock(mutex_);
  for (const AlertPtr& alert : alerts_) {
    const auto found = last->find(alert->labels);
    if (found == last->end() || IsStaleNaN(found->second.value)) continue;
    const TimestampMs down_at = found->second.timestamp / 1000 * 1000;
    TimestampMs active_at = static_cast<TimestampMs>(std::trunc(found->second.value)) * 1000;
    const DurationMs remaining = spec_.hold - (down_at - active_at);
    if (remaining > 0 && remaining < world_.grace_period) {
      active_at = now + world_.grace_period - spec_.hold;
    } else if (remaining > 0) {
      active_at += now - down_at;
    }
    alert->active_at = active_at;
    NoteChange(*alert);
  }
  restored_ = true;
}

}  // namespace vigil::rules
