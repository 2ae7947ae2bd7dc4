// SPDX-License-Identifier: Apache-2.0
// Runs one unit test of rules: samples go in step by step, rules are evaluated, alerts and queries
// compared.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "server/cli/expected_alerts.h"
#include "server/cli/rule_test_file.h"
#include "server/promql/engine.h"
#include "server/promql/series_line.h"
#include "server/rules/rule_group.h"
#include "server/storage/memory_store.h"

namespace vigil::cli {

// What holds for all tests of a file.
struct RuleTestSettings {
  std::vector<rules::GroupSpec> groups;
  std::vector<std::string> group_eval_order;
  DurationMs evaluation_interval = 60'000;
  bool fuzzy_compare = false;
  bool diff = false;  // mismatching alerts as a diff
  promql::EngineOptions engine;
};

// Threads: owner thread only.
class RuleTestRun {
 public:
  // Both must outlive the run.
  RuleTestRun(const RuleTest& test, const RuleTestSettings& settings);

  // What is not as expected, in promtool's words; once.
  std::vector<std::string> Run();
  // All samples of series and rules, after Run().
  [[nodiscard]] std::string DebugText() const;

 private:
  // One input series and how much of it the store has.
  struct Input {
    storage::SeriesRef ref = 0;
    std::vector<promql::SeriesValue> values;
    size_t done = 0;
  };

  Result<void> ReadInput();
  void MakeGroups();
  Result<void> AppendUntil(TimestampMs at);
  // False: a rule failed, nothing more is to be done.
  bool EvaluateGroups(TimestampMs at);
  void CheckAlerts(const AlertCase& expected);
  void CheckExpression(const ExprCase& expected);
  Result<std::vector<SampleText>> Query(const ExprCase& expected) const;
  static Result<std::vector<SampleText>> Expected(const ExprCase& expected);

  const RuleTest& test_;
  const RuleTestSettings& settings_;
  const DurationMs interval_;
  const promql::Engine engine_;
  storage::MemoryStore store_;
  const rules::RuleWorld world_;
  std::vector<Input> inputs_;
  std::vector<std::unique_ptr<rules::RuleGroup>> groups_;  // in the order of evaluation
  storage::SampleBatch batch_;
  std::vector<std::string> failures_;
};

}  // namespace vigil::cli
