// SPDX-License-Identifier: Apache-2.0
// The life of alerts; alerting_match.cc says which alert a series is, alerting_output.cc what
// others get to know.
#include "server/rules/alerting_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/template/text_escape.h"

namespace vigil::rules {
namespace {

// How long a resolved alert is sent again, for receivers that were away.
constexpr DurationMs kResolvedRetention = 15 * 60'000;

}  // namespace

std::string_view AlertStateName(AlertState state) {
  static constexpr std::array<std::string_view, 3> kNames = {"inactive", "pending", "firing"};
  return kNames[static_cast<size_t>(state)];
}

AlertingRule::AlertingRule(const RuleSpec& spec, const RuleWorld& world,
                           const AlertTemplate::Functions& make, Labels external_labels,
                           storage::RuleIdentity identity)
    : Rule(spec, world),
      external_labels_(std::move(external_labels)),
      identity_(std::make_shared<const storage::RuleIdentity>(std::move(identity))),
      generator_url_(world.external_url + "/graph?g0.expr=" + tmpl::UrlQueryEscape(query()) +
                     "&g0.tab=1") {
  const auto compile = [&](const TextPairs& pairs, std::vector<NamedTemplate>* out) {
    AlertTemplate::Needs most = AlertTemplate::Needs::kNothing;
    for (const auto& [name, text] : pairs) {
      AlertTemplate made = AlertTemplate::Create(make, spec.alert, text).value();
      most = std::max(most, made.needs());
      out->push_back({name, std::move(made)});
    }
    return most;
  };
  label_needs_ = compile(spec.labels, &label_templates_);
  annotation_needs_ = compile(spec.annotations, &annotation_templates_);
}

void AlertingRule::Adopt(Rule& old) {
  auto& other = static_cast<AlertingRule&>(old);
  const MutexLock lock(mutex_);
  {
    const MutexLock other_lock(other.mutex_);
    alerts_ = std::move(other.alerts_);
    by_labels_ = std::move(other.by_labels_);
    other.by_series_.clear();
  }
  // What series mean may have changed with external labels, and what is said with annotations.
  by_series_.clear();
  for (const AlertPtr& alert : alerts_) {
    alert->series = Labels();
    alert->described = false;
  }
  round_ = other.round_;
  settled_ = other.settled_;
  ended_ = std::move(other.ended_);
  restored_ = other.restored();
  if (other.identity_->id == identity_->id) return;
  for (const AlertPtr& alert : alerts_) {
    changes_.gone.emplace_back(other.identity_->id, alert->labels.Hash());
    NoteChange(*alert);
  }
}

void AlertingRule::Retire(std::vector<storage::SeriesRef>* series) {
  {
    const MutexLock lock(mutex_);
    Clear();
  }
  series->insert(series->end(), ended_.begin(), ended_.end());
  ended_.clear();
  SendChanges();
}

void AlertingRule::LookAtAlerts(const std::function<void(const ActiveAlert&)>& look) const {
  const MutexLock lock(mutex_);
  for (const AlertPtr& alert : alerts_) {
    if (alert->state != AlertState::kInactive) look(*alert);
  }
}

AlertState AlertingRule::State() const {
  const MutexLock lock(mutex_);
  AlertState highest = AlertState::kInactive;
  for (const AlertPtr& alert : alerts_) highest = std::max(highest, alert->state);
  return highest;
}

Result<size_t> AlertingRule::Evaluate(const Round& round) {
  {
    const promql::QueryResult result = TRY(Query(round.sample_time()));
    TRY(Match(result, round));
  }
  const Result<void> advanced = Advance(round);
  // A burst of alerts does not hold its memory for ever.
  hits_ = std::vector<Hit>();
  SendChanges();
  TRY(advanced);
  Send(round);
  if (!TRY(Write(round))) {
    for (const AlertPtr& alert : alerts_) alert->alerts_ref = alert->for_state_ref = 0;
    TRY(Write(round));
  }
  if (!restored_) return size_t{0};
  const auto active = std::count_if(alerts_.begin(), alerts_.end(), [](const AlertPtr& alert) {
    return alert->state != AlertState::kInactive;
  });
  return 2 * static_cast<size_t>(active);
}

Result<void> AlertingRule::Advance(const Round& round) {
  const MutexLock lock(mutex_);
  for (Hit& hit : hits_) TakeHit(&hit, round.at);
  int64_t active = 0;
  for (AlertPtr& alert : alerts_) active += Step(&alert, round.at) ? 1 : 0;
  std::erase_if(alerts_, [](const AlertPtr& alert) { return alert == nullptr; });
  if (round.limit <= 0 || active <= round.limit) return Ok();
  Clear();
  return ExecutionError(fmt::format("exceeded limit of {} with {} alerts", round.limit, active));
}

void AlertingRule::TakeHit(Hit* hit, TimestampMs at) {
  ActiveAlert& alert = *hit->alert;
  if (hit->fresh != nullptr) {
    by_labels_.emplace(alert.labels, &alert);
    alerts_.push_back(std::move(hit->fresh));
    alert.changed = true;
  } else {
    if (hit->described) alert.annotations = std::move(hit->annotations);
    if (alert.series != hit->series) {
      const auto former = by_series_.find(alert.series);
      if (former != by_series_.end() && former->second == &alert) by_series_.erase(former);
    }
  }
  alert.described = true;
  alert.value = hit->value;
  if (alert.series != hit->series || by_series_.find(hit->series) == by_series_.end()) {
    alert.series = hit->series;
    by_series_.insert_or_assign(alert.series, &alert);
  }
  if (alert.state != AlertState::kInactive) return;
  // It was resolved: another alert begins.
  alert.state = AlertState::kPending;
  alert.active_at = at;
  alert.fired_at = alert.resolved_at = alert.last_sent_at = storage::kNever;
  alert.changed = true;
}

bool AlertingRule::KeepsFiring(ActiveAlert* alert, TimestampMs at) const {
  if (alert->state != AlertState::kFiring || spec_.keep_firing_for == 0) return false;
  if (alert->keep_firing_since == storage::kNever) {
    alert->keep_firing_since = at;
    alert->changed = true;
  }
  return at - alert->keep_firing_since < spec_.keep_firing_for;
}

bool AlertingRule::StepAbsent(ActiveAlert* alert, TimestampMs at) const {
  const bool was_present = alert->keep_firing_since == storage::kNever;
  if (alert->round == 0 && was_present && at < settled_) return true;
  if (KeepsFiring(alert, at)) return true;
  if (alert->state == AlertState::kPending) return false;
  if (alert->resolved_at != storage::kNever && at - alert->resolved_at > kResolvedRetention) {
    return false;
  }
  if (alert->state == AlertState::kFiring) {
    alert->state = AlertState::kInactive;
    alert->resolved_at = at;
    alert->changed = true;
  }
  return true;
}

bool AlertingRule::Step(AlertPtr* place, TimestampMs at) {
  ActiveAlert& alert = **place;
  const bool present = alert.round == round_;
  if (!present && !StepAbsent(&alert, at)) {
    Drop(alert);
    place->reset();
    return false;
  }
  if (present && alert.keep_firing_since != storage::kNever) {
    alert.keep_firing_since = storage::kNever;
    alert.changed = true;
  }
  const bool held = at - alert.active_at >= spec_.hold;
  if (alert.state == AlertState::kPending && present && held) {
    alert.state = AlertState::kFiring;
    alert.fired_at = at;
    alert.changed = true;
  } else if (alert.state == AlertState::kFiring && present && !held) {
    // `for` became longer with a reload.
    alert.state = AlertState::kPending;
    alert.fired_at = storage::kNever;
    alert.changed = true;
  }
  if (alert.changed) NoteChange(alert);
  alert.changed = false;
  return alert.state != AlertState::kInactive;
}

void AlertingRule::Drop(const ActiveAlert& alert) {
  if (alert.alerts_ref != 0) ended_.push_back(alert.alerts_ref);
  if (alert.for_state_ref != 0) ended_.push_back(alert.for_state_ref);
  by_labels_.erase(alert.labels);
  const auto found = by_series_.find(alert.series);
  if (found != by_series_.end() && found->second == &alert) by_series_.erase(found);
  if (world_.states != nullptr) changes_.gone.emplace_back(identity_->id, alert.labels.Hash());
}

void AlertingRule::Clear() {
  changes_.changed.clear();
  for (const AlertPtr& alert : alerts_) Drop(*alert);
  alerts_.clear();
}

}  // namespace vigil::rules
