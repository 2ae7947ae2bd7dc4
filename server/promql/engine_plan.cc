// SPDX-License-Identifier: Apache-2.0
// Resolves durations and @, and marks step-invariant parts.
#include "server/promql/engine_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "server/promql/function_table.h"

namespace vigil::promql {
namespace {

using Op = DurationExpr::Op;

Result<double> EvalDuration(const DurationExpr& expr, const PlanTimes& times) {
  const double lhs = expr.lhs == nullptr ? 0 : TRY(EvalDuration(*expr.lhs, times));
  const double rhs = expr.rhs == nullptr ? 0 : TRY(EvalDuration(*expr.rhs, times));
  switch (expr.op) {
    case Op::kLiteral:
      return expr.seconds;
    case Op::kAdd:
      return lhs + rhs;
    case Op::kSub:
      return lhs - rhs;
    case Op::kMul:
      return lhs * rhs;
    case Op::kDiv:
      if (rhs == 0) return ExecutionError("division by zero");
      return lhs / rhs;
    case Op::kMod:
      if (rhs == 0) return ExecutionError("modulo by zero");
      return std::fmod(lhs, rhs);
    case Op::kPow:
      return std::pow(lhs, rhs);
    case Op::kNegate:
      return expr.lhs != nullptr ? -lhs : -rhs;
    case Op::kPlus:
      return expr.lhs != nullptr ? lhs : rhs;
    case Op::kStep:
      return static_cast<double>(times.step) / 1000;
    case Op::kRange:
      return static_cast<double>(times.end - times.start) / 1000;
    case Op::kMinOf:
      return std::min(lhs, rhs);
    case Op::kMaxOf:
      return std::max(lhs, rhs);
  }
  return lhs;
}

enum class Sign { kPositive, kAny };

Result<DurationMs> ResolveDuration(const DurationExpr& expr, Sign sign, const PlanTimes& times) {
  const double seconds = TRY(EvalDuration(expr, times));
  if (std::isnan(seconds) || (sign == Sign::kPositive && seconds <= 0)) {
    return ExecutionError("duration must be greater than 0");
  }
  // As far as Go's nanoseconds reach; no sum of a few of them overflows milliseconds.
  if (std::fabs(seconds) > 9.2e9) return ExecutionError("duration is out of range");
  return static_cast<DurationMs>(seconds * 1000);
}

// Their result depends on the evaluation time even when the argument is pinned.
bool DependsOnTime(std::string_view function) {
  constexpr std::array<std::string_view, 11> kNames = {
      "day_of_month", "day_of_week", "day_of_year",    "days_in_month", "hour",     "minute",
      "month",        "year",        "predict_linear", "time",          "timestamp"};
  return std::ranges::find(kNames, function) != kNames.end();
}

}  // namespace

Result<void> Plan::ResolveTime(const TimeModifiers& time, const PlanTimes& times, PlanNode* node) {
  node->offset_ms = time.offset_expr == nullptr
                        ? time.offset_ms
                        : TRY(ResolveDuration(*time.offset_expr, Sign::kAny, times));
  switch (time.at) {
    case AtKind::kNone:
      break;
    case AtKind::kTimestamp:
      node->at_ms = std::clamp(time.at_ms, -kFarthestTime, kFarthestTime);
      break;
    case AtKind::kStart:
      node->at_ms = times.start;
      break;
    case AtKind::kEnd:
      node->at_ms = times.end;
      break;
  }
  node->invariant = node->at_ms.has_value();
  return Ok();
}

// Once anything needs the buckets, nothing inside it can do without.
Plan::Needs Plan::NeedsInside(const Expr& expr, Needs needs) {
  constexpr std::array<std::string_view, 3> kOfStats = {"histogram_avg", "histogram_count",
                                                        "histogram_sum"};
  if (needs == Needs::kBuckets || expr.kind == NodeKind::kSubquery) return Needs::kBuckets;
  if (expr.kind == NodeKind::kBinary) {
    const BinaryOp op = static_cast<const BinaryExpr&>(expr).op;
    const bool trims = op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
    return trims ? Needs::kBuckets : needs;
  }
  if (expr.kind != NodeKind::kCall) return needs;
  const std::string_view function = static_cast<const Call&>(expr).function->name;
  if (std::ranges::find(kOfStats, function) != kOfStats.end()) return Needs::kStats;
  return function.starts_with("histogram_") ? Needs::kBuckets : needs;
}

Result<bool> Plan::Visit(const Expr& expr, const PlanTimes& times, Needs needs) {
  const Needs inside = NeedsInside(expr, needs);
  PlanNode node;
  node.histogram_stats = expr.kind == NodeKind::kVectorSelector && needs == Needs::kStats;
  bool children_invariant = true;
  Result<void> failed = Ok();
  ForEachChild(expr, [&](const Expr& child) {
    if (!failed) return;
    Result<bool> invariant = Visit(child, times, inside);
    if (!invariant) {
      failed = std::move(invariant).error();
    } else if (!*invariant) {
      children_invariant = false;
    }
  });
  TRY(std::move(failed));
  node.invariant = children_invariant;
  if (expr.kind == NodeKind::kVectorSelector) {
    TRY(ResolveTime(static_cast<const VectorSelector&>(expr).time, times, &node));
  } else if (expr.kind == NodeKind::kMatrixSelector) {
    const auto& matrix = static_cast<const MatrixSelector&>(expr);
    node.range_ms = matrix.range_expr == nullptr
                        ? matrix.range_ms
                        : TRY(ResolveDuration(*matrix.range_expr, Sign::kPositive, times));
  } else if (expr.kind == NodeKind::kSubquery) {
    const auto& subquery = static_cast<const SubqueryExpr&>(expr);
    TRY(ResolveTime(subquery.time, times, &node));
    node.range_ms = subquery.range_expr == nullptr
                        ? subquery.range_ms
                        : TRY(ResolveDuration(*subquery.range_expr, Sign::kPositive, times));
    node.step_ms = subquery.step_expr == nullptr
                       ? subquery.step_ms
                       : TRY(ResolveDuration(*subquery.step_expr, Sign::kPositive, times));
    if (node.step_ms <= 0) node.step_ms = times.default_subquery_step;
  } else if (expr.kind == NodeKind::kCall) {
    const auto& call = static_cast<const Call&>(expr);
    node.invariant = node.invariant && !DependsOnTime(call.function->name);
  }
  nodes_[&expr] = node;
  return node.invariant;
}

Result<Plan> Plan::Make(const Expr& expr, const PlanTimes& times) {
  Plan plan;
  TRY(plan.Visit(expr, times, Needs::kUnknown));
  return plan;
}

}  // namespace vigil::promql
