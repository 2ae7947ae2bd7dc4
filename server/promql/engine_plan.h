// SPDX-License-Identifier: Apache-2.0
// What the engine works out about an expression before evaluating it: durations and times in
// force, and which parts are the same at every step.
#pragma once

#include <optional>
#include <unordered_map>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "server/promql/ast.h"

namespace vigil::promql {

// Far beyond any data, and no sum of a few such times overflows. Times are cut to it.
inline constexpr TimestampMs kFarthestTime = int64_t{1} << 61;

struct PlanNode {
  // Of selectors and subqueries.
  DurationMs offset_ms = 0;
  DurationMs range_ms = 0;           // matrix selectors and subqueries
  DurationMs step_ms = 0;            // subqueries
  std::optional<TimestampMs> at_ms;  // the evaluation time is pinned
  // The value is the same at every step, so that one evaluation is enough.
  bool invariant = false;
  // Of selectors: only count and sum of native histograms will be looked at. Their counter reset
  // hints are then worked out while reading, as upstream does.
  bool histogram_stats = false;
};

struct PlanTimes {
  TimestampMs start = 0;
  TimestampMs end = 0;
  DurationMs step = 0;  // 0: instant
  DurationMs default_subquery_step = 0;
};

// Threads: any once built.
class Plan {
 public:
  // Execution error when a duration expression has no valid value.
  static Result<Plan> Make(const Expr& expr, const PlanTimes& times);

  // REQUIRES: expr is part of the expression the plan was made from.
  [[nodiscard]] const PlanNode& node(const Expr& expr) const { return nodes_.at(&expr); }

 private:
  // How much of native histograms the expression around looks at.
  enum class Needs { kUnknown, kStats, kBuckets };

  Result<bool> Visit(const Expr& expr, const PlanTimes& times, Needs needs);
  static Needs NeedsInside(const Expr& expr, Needs needs);
  Result<void> ResolveTime(const TimeModifiers& time, const PlanTimes& times, PlanNode* node);

  std::unordered_map<const Expr*, PlanNode> nodes_;
};

}  // namespace vigil::promql
