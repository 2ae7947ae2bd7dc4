// SPDX-License-Identifier: Apache-2.0
// One rule at work: what recording and alerting rules have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/rules/rule_file.h"
#include "server/rules/rule_world.h"
#include "server/storage/storage.h"

namespace vigil::rules {

class AlertingRule;

enum class RuleHealth { kUnknown, kGood, kBad };
std::string_view RuleHealthName(RuleHealth health);  // unknown, ok, err

// How the last evaluation went.
struct RuleReport {
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;
  TimestampMs last_evaluation = storage::kNever;
  size_t samples = 0;
};

// Threads: evaluation one at a time; spec() and report() any.
class Rule {
 public:
  // The spec must outlive the rule.
  Rule(const RuleSpec& spec, const RuleWorld& world);
  virtual ~Rule() = default;
  Rule(const Rule&) = delete;
  Rule& operator=(const Rule&) = delete;

  [[nodiscard]] const RuleSpec& spec() const { return spec_; }
  // The expression as upstream prints it.
  [[nodiscard]] const std::string& query() const { return query_; }
  [[nodiscard]] RuleReport report() const { return report_.Copy(); }

  // Evaluates, appends what came out and reports.
  void Run(const Round& round);

  // Takes over what the rule knew that this one replaces, which is not evaluated any more.
  // REQUIRES: of the same kind.
  virtual void Adopt(Rule& old) = 0;
  // The rule is no more: gives the series it has written and not ended.
  virtual void Retire(std::vector<storage::SeriesRef>* series) = 0;
  // Null unless the rule alerts.
  [[nodiscard]] virtual const AlertingRule* alerting() const { return nullptr; }

 protected:
  // Number of samples that were due. On an error nothing was appended, or not all.
  virtual Result<size_t> Evaluate(const Round& round) = 0;

  // A vector or, as a series without labels, a scalar.
  [[nodiscard]] Result<promql::QueryResult> Query(TimestampMs at) const;
  // Appends `samples`, whose floats from `ended` on are markers of series that ended, and clears
  // them. False: series are not known any more, nothing of them was taken; resolve all anew. The
  // error says why a sample was not taken.
  Result<bool> Append(storage::SampleBatch* samples, size_t ended) const;

  const RuleSpec& spec_;
  const RuleWorld& world_;

 private:
  const std::string query_;
  Guarded<RuleReport> report_;
};

}  // namespace vigil::rules
