// SPDX-License-Identifier: Apache-2.0
// A group of rules that are evaluated at the same time each round: one after the other, or several
// at once where they do not need each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/rules/alerting_rule.h"
#include "server/rules/rule.h"
#include "server/rules/rule_file.h"
#include "server/rules/rule_world.h"

namespace vigil::rules {

// How the group is doing. Times of kNever: not yet.
struct GroupReport {
  TimestampMs last_evaluation = storage::kNever;  // when the last round began
  double evaluation_seconds = 0;                  // of the last round
  double rule_seconds = 0;                        // of its rules together
  uint64_t samples = 0;                           // of the last round
  uint64_t evaluations = 0;                       // of rules
  uint64_t failures = 0;                          // of them
  uint64_t iterations = 0;                        // rounds due
  uint64_t missed = 0;                            // of them, left out
  double restore_seconds = 0;
};

// Threads: Evaluate, Adopt, Retire and restoring one at a time; the rest any.
class RuleGroup {
 public:
  // Called for each rule evaluated, with the seconds it took.
  using Observe = std::function<void(double)>;

  // The spec must be a loaded one. The world must outlive the group.
  RuleGroup(GroupSpec spec, GroupDefaults defaults, const RuleWorld& world);

  [[nodiscard]] const GroupSpec& spec() const { return spec_; }
  [[nodiscard]] const GroupDefaults& defaults() const { return defaults_; }
  [[nodiscard]] DurationMs interval() const;
  [[nodiscard]] DurationMs query_offset() const;
  // file;name: how metrics call the group.
  [[nodiscard]] std::string Key() const { return spec_.file + ";" + spec_.name; }
  [[nodiscard]] const std::vector<std::unique_ptr<Rule>>& rules() const { return rules_; }
  [[nodiscard]] GroupReport report() const { return report_.Copy(); }
  // Whether the same rules would be evaluated in the same way.
  [[nodiscard]] bool SameAs(const RuleGroup& other) const;

  // One round: queries at `at` minus the offset. Alerts are sent, samples appended. False when it
  // was stopped between two rules: then it does not count.
  bool Evaluate(TimestampMs at, const Observe& observe = {});
  // A round that runs ends behind the rule that it is at, and there is no other. Threads: any.
  void StopEvaluating() { stopped_ = true; }
  // Rounds that were due and not evaluated.
  void CountMissed(uint64_t rounds);

  // Takes over what the rules of `old` knew, which is not evaluated any more. What is left of it
  // ends with the next round.
  void Adopt(RuleGroup& old);
  // The group is no more: the series it has written and not ended.
  std::vector<storage::SeriesRef> Retire();

  // Whether an alerting rule still waits for RestoreFromSeries.
  [[nodiscard]] bool NeedsRestore() const;
  void RestoreFromSeries(TimestampMs now);
  // Alerts begin anew: nothing is restored.
  void SetRestored();

 private:
  // False when it was stopped before all of them were evaluated.
  bool RunBatch(const std::vector<size_t>& batch, const Round& round);
  void EndLeftSeries(TimestampMs at);

  // Constant after construction.
  const GroupSpec spec_;
  const GroupDefaults defaults_;
  const RuleWorld& world_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::vector<size_t>> batches_;  // of places in rules_
  std::atomic<bool> stopped_{false};

  std::vector<storage::SeriesRef> left_;  // of rules that are gone; of the evaluation alone
  Guarded<GroupReport> report_;
};

}  // namespace vigil::rules
