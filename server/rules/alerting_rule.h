// SPDX-License-Identifier: Apache-2.0
// An alerting rule: each series its expression gives is an alert that becomes pending, fires and
// is resolved.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/rules/alert_template.h"
#include "server/rules/rule.h"

namespace vigil::rules {

enum class AlertState : uint8_t { kInactive, kPending, kFiring };
// unknown is of rules that were never evaluated, not of alerts.
std::string_view AlertStateName(AlertState state);

struct ActiveAlert {
  Labels series;           // of the result that gave it last; known only when it is described
  bool described = false;  // annotations are of this rule and `series`
  Labels labels;
  Labels annotations;
  double value = 0;
  AlertState state = AlertState::kPending;
  AlertState written_state = AlertState::kInactive;  // of alerts_ref
  bool changed = false;                              // since it was stored
  uint32_t round = 0;                                // that saw it last; 0: none since the start
  TimestampMs active_at = storage::kNever;
  TimestampMs fired_at = storage::kNever;
  TimestampMs resolved_at = storage::kNever;
  TimestampMs keep_firing_since = storage::kNever;
  TimestampMs last_sent_at = storage::kNever;
  // The series ALERTS and ALERTS_FOR_STATE that are written and not ended, 0: none.
  storage::SeriesRef alerts_ref = 0;
  storage::SeriesRef for_state_ref = 0;
};

// Threads: as Rule; the const methods any.
class AlertingRule final : public Rule {
 public:
  // The templates must be good: the loader has checked them. `place` numbers rules of the group
  // with the same name and labels.
  AlertingRule(const RuleSpec& spec, const RuleWorld& world, const AlertTemplate::Functions& make,
               Labels external_labels, storage::RuleIdentity identity);

  void Adopt(Rule& old) override;
  void Retire(std::vector<storage::SeriesRef>* series) override;
  [[nodiscard]] const AlertingRule* alerting() const override { return this; }

  // Calls look for each pending and firing alert while nothing changes: be quick.
  void LookAtAlerts(const std::function<void(const ActiveAlert&)>& look) const;
  // The highest state of its alerts.
  [[nodiscard]] AlertState State() const;
  [[nodiscard]] const storage::RuleIdentity& identity() const { return *identity_; }

  // What was stored, before the first evaluation. `alerts` are of this rule. Until `settled`
  // those that the result does not have yet stay as they are: what they depend on may not have been
  // scraped again.
  void Load(std::vector<storage::StoredAlert> alerts, TimestampMs settled);
  // Until then no ALERTS are written: the restore reads what was written before.
  [[nodiscard]] bool restored() const { return restored_; }
  void SetRestored() { restored_ = true; }
  // Takes the beginning of pending alerts from ALERTS_FOR_STATE as upstream does: allows for the
  // time the server was down. After it restored() is true, whatever happens.
  void RestoreFromSeries(TimestampMs now);

 protected:
  Result<size_t> Evaluate(const Round& round) override;

 private:
  using AlertPtr = std::unique_ptr<ActiveAlert>;
  struct NamedTemplate {
    std::string name;
    AlertTemplate text;
  };
  // A series of the result and what it means.
  struct Hit {
    ActiveAlert* alert = nullptr;  // known, or the fresh one
    AlertPtr fresh;
    double value = 0;
    bool described = false;  // annotations are new
    Labels series;
    Labels annotations;
  };
  class Expansion;

  // Reads only, so that the alerts can be looked at while queries and templates run.
  Result<void> Match(const promql::QueryResult& result, const Round& round);
  Result<void> MatchSeries(const promql::ResultSeries& series, const Round& round,
                           std::unordered_set<Labels>* fresh);
  [[nodiscard]] Labels LabelsOf(Expansion* expansion) const;
  [[nodiscard]] Labels AnnotationsOf(Expansion* expansion) const;
  [[nodiscard]] bool Described(const ActiveAlert& alert, double value) const;

  Result<void> Advance(const Round& round);
  void TakeHit(Hit* hit, TimestampMs at) REQUIRES_LOCK(mutex_);
  // Whether the alert counts as pending or firing; one that is over becomes null.
  bool Step(AlertPtr* alert, TimestampMs at) REQUIRES_LOCK(mutex_);
  // Of an alert that the result does not have; false when it is to go.
  bool StepAbsent(ActiveAlert* alert, TimestampMs at) const;
  [[nodiscard]] bool KeepsFiring(ActiveAlert* alert, TimestampMs at) const;
  // The alert is about to go: its series end with the next samples.
  void Drop(const ActiveAlert& alert) REQUIRES_LOCK(mutex_);
  void Clear() REQUIRES_LOCK(mutex_);
  void NoteChange(const ActiveAlert& alert);
  void SendChanges();

  void Send(const Round& round);
  Result<bool> Write(const Round& round);
  Result<void> WriteAlert(ActiveAlert* alert, TimestampMs at);
  void EndSeries(storage::SeriesRef* ref, TimestampMs at);
  [[nodiscard]] Labels SeriesLabels(const ActiveAlert& alert, std::string_view name,
                                    std::string_view state) const;
  [[nodiscard]] Result<std::unordered_map<Labels, Sample>> LastForStates(TimestampMs now) const;

  const Labels external_labels_;
  const std::shared_ptr<const storage::RuleIdentity> identity_;
  const std::string generator_url_;
  std::vector<NamedTemplate> label_templates_;
  std::vector<NamedTemplate> annotation_templates_;
  AlertTemplate::Needs label_needs_ = AlertTemplate::Needs::kNothing;  // the most of all
  AlertTemplate::Needs annotation_needs_ = AlertTemplate::Needs::kNothing;
  std::atomic<bool> restored_{false};

  // The evaluation reads without the lock, for nobody else writes; it writes with it.
  mutable Mutex mutex_;
  std::vector<AlertPtr> alerts_;
  std::unordered_map<Labels, ActiveAlert*> by_labels_;
  std::unordered_map<Labels, ActiveAlert*> by_series_;

  // Of the evaluation alone.
  uint32_t round_ = 0;
  std::vector<Hit> hits_;
  TimestampMs settled_ = storage::kNever;
  std::vector<storage::SeriesRef> ended_;  // series of alerts that are gone
  storage::SampleBatch batch_;
  storage::SampleBatch markers_;
  storage::RuleStateChanges changes_;
};

}  // namespace vigil::rules
