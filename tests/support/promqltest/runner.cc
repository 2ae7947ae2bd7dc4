// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "client-lib/base/strings.h"
#include "server/promql/function_table.h"
#include "server/promql/parser.h"
#include "tests/support/promqltest/comparison.h"
#include "tests/support/promqltest/nhcb_load.h"

namespace vigil::tests {
namespace {

using promql::AtKind;
using promql::Expr;
using promql::NodeKind;

constexpr DurationMs kMinute = 60'000;

// __type__ and __unit__ are ordinary labels to most scripts; the ones that use them mean the
// feature. Names go at the end of the query, as upstream's scripts expect, unless a script of ours
// says otherwise.
promql::EngineOptions OptionsFor(std::string_view script) {
  promql::EngineOptions options;
  options.max_samples = 10'000;
  options.default_subquery_step_ms = [] { return kMinute; };
  options.delayed_name_removal =
      script.find("# Names are dropped at once.") == std::string_view::npos;
  options.type_and_unit_labels = script.find("__type__") != std::string_view::npos;
  options.use_start_timestamps = true;
  options.parser = promql::ParserOptions::EverythingOn();
  return options;
}

// Functions whose result depends on the evaluation time although their argument is pinned.
const std::set<std::string_view>& TimeDependentFunctions() {
  static const std::set<std::string_view> names = {
      "days_in_month", "day_of_month", "day_of_week", "day_of_year",     "hour", "minute",
      "month",         "year",         "time",        "timestamp",       "end",  "predict_linear",
      "range",         "start",        "step",        "start_timestamp",
  };
  return names;
}

// Whether the value depends on start, end or step of the query.
bool DependsOnQuery(const promql::DurationExpr* expr) {
  if (expr == nullptr) return false;
  return expr->op == promql::DurationExpr::Op::kStep ||
         expr->op == promql::DurationExpr::Op::kRange || DependsOnQuery(expr->lhs.get()) ||
         DependsOnQuery(expr->rhs.get());
}

bool DependsOnQuery(const Expr& expr) {
  bool depends = false;
  switch (expr.kind) {
    case NodeKind::kVectorSelector:
      return DependsOnQuery(
          static_cast<const promql::VectorSelector&>(expr).time.offset_expr.get());
    case NodeKind::kMatrixSelector:
      depends = DependsOnQuery(static_cast<const promql::MatrixSelector&>(expr).range_expr.get());
      break;
    case NodeKind::kSubquery: {
      const auto& subquery = static_cast<const promql::SubqueryExpr&>(expr);
      depends = DependsOnQuery(subquery.range_expr.get()) ||
                DependsOnQuery(subquery.step_expr.get()) ||
                DependsOnQuery(subquery.time.offset_expr.get());
      break;
    }
    case NodeKind::kCall: {
      const std::string_view name = static_cast<const promql::Call&>(expr).function->name;
      depends = name == "start" || name == "end" || name == "step" || name == "range";
      break;
    }
    default:
      break;
  }
  promql::ForEachChild(expr,
                       [&](const Expr& child) { depends = depends || DependsOnQuery(child); });
  return depends;
}

// Pins every selector and outermost subquery that names no time. False: the expression's value
// varies with the evaluation time all the same.
bool PinTime(Expr* expr, TimestampMs at) {
  promql::TimeModifiers* time = nullptr;
  bool fixed = true;
  if (expr->kind == NodeKind::kVectorSelector) {
    time = &static_cast<promql::VectorSelector*>(expr)->time;
  } else if (expr->kind == NodeKind::kSubquery) {
    time = &static_cast<promql::SubqueryExpr*>(expr)->time;
  } else if (expr->kind == NodeKind::kCall) {
    const auto* function = static_cast<promql::Call*>(expr)->function;
    fixed = !TimeDependentFunctions().contains(function->name);
  }
  if (time != nullptr && time->at == AtKind::kNone) {
    time->at = AtKind::kTimestamp;
    time->at_ms = at;
  }
  // What stands in a pinned subquery is evaluated at the subquery's own times.
  if (expr->kind == NodeKind::kSubquery) return fixed;
  promql::ForEachChild(*expr, [&](const Expr& child) {
    // The tree is ours: it was parsed for this very change.
    fixed = PinTime(const_cast<Expr*>(&child), at) && fixed;
  });
  return fixed;
}

std::vector<TimestampMs> OtherTimes(TimestampMs at) {
  if (at == 0) return {-1000, 0, 1000};
  return {-10 * at, 0, at / 5, at, 10 * at};
}

}  // namespace

ScriptRunner::ScriptRunner(std::string_view script)
    : commands_(ParseScript(script)), engine_(OptionsFor(script)) {}

Tally ScriptRunner::Run(const Report& report) {
  storage_.Clear();
  Tally tally;
  for (const Command& command : commands_) {
    Result<void> outcome = Ok();
    if (std::holds_alternative<ClearCommand>(command.what)) {
      storage_.Clear();
      continue;
    }
    if (const auto* load = std::get_if<LoadCommand>(&command.what)) {
      outcome = Load(*load);
      if (outcome) continue;
    }
    if (const auto* broken = std::get_if<BrokenCommand>(&command.what)) {
      outcome = BadData(broken->reason);
    } else if (outcome) {
      const auto& eval = std::get<EvalCommand>(command.what);
      outcome = Eval(eval);
      if (!outcome) outcome = std::move(outcome).error().Prefixed(eval.expr);
    }
    ++(outcome ? tally.passed : tally.failed);
    if (!outcome) report(command.line, outcome.error().message);
  }
  return tally;
}

Result<void> ScriptRunner::Load(const LoadCommand& load) {
  for (const SeriesLine& line : load.series) {
    TimestampMs timestamp = 0;
    for (size_t i = 0; i < line.values.size(); ++i, timestamp += load.gap_ms) {
      const SeriesValue& value = line.values[i];
      const bool started = i < line.starts.size() && line.starts[i];
      const TimestampMs start = started ? timestamp + *line.starts[i] : 0;
      if (value.kind == SeriesValue::Kind::kFloat) {
        storage_.Add(line.labels, timestamp, value.value, start);
      } else if (value.kind == SeriesValue::Kind::kHistogram) {
        storage_.AddHistogram(line.labels, timestamp, *value.histogram, start);
      }
    }
  }
  return load.with_nhcb ? LoadCustomBuckets(load, &storage_) : Ok();
}

Result<promql::QueryResult> ScriptRunner::Execute(const std::string& expr, TimestampMs start,
                                                  TimestampMs end, DurationMs step_ms) const {
  promql::QueryRequest request;
  request.text = expr;
  request.start = start;
  request.end = end;
  request.step_ms = step_ms;
  return engine_.Execute(storage_, request);
}

Result<void> ScriptRunner::Eval(const EvalCommand& eval) const {
  if (eval.is_range) {
    const auto result = Execute(eval.expr, eval.start, eval.end, eval.step_ms);
    if (!result) {
      if (!eval.fail.empty()) return CompareFailure(eval, result.error().message);
      return result.error();
    }
    if (!eval.fail.empty()) return BadData("expected a failure, the query succeeded");
    TRY(CompareResult(eval, ToPlain(*result)));
    return CompareAnnotations(eval, *result);
  }
  TRY(EvalInstant(eval, eval.expr, eval.start, true));
  Result<promql::ExprPtr> expr = promql::ParseExpr(eval.expr, engine_.options().parser);
  if (!expr || !PinTime(expr->get(), eval.start)) return Ok();
  const std::string pinned = promql::Print(**expr);
  for (const TimestampMs at : OtherTimes(eval.start)) {
    TRY_CONTEXT(EvalInstant(eval, pinned, at, false), fmt::format("as {} at {}ms", pinned, at));
  }
  return Ok();
}

Result<void> ScriptRunner::EvalInstant(const EvalCommand& eval, const std::string& expr,
                                       TimestampMs at, bool first) const {
  const auto result = Execute(expr, at, at, 0);
  if (!result) {
    if (eval.fail.empty()) return result.error();
    // Positions in the message change with the text.
    return first ? CompareFailure(eval, result.error().message) : Ok();
  }
  if (!eval.fail.empty()) return BadData("expected a failure, the query succeeded");
  TRY(CompareResult(eval, ToPlain(*result)));
  if (first) TRY(CompareAnnotations(eval, *result));
  const bool series =
      result->type == promql::ValueType::kVector || result->type == promql::ValueType::kScalar;
  if (eval.ordered || !series) return Ok();
  return EvalAsMiddleStep(eval, expr, at, result->type);
}

// A range query gives at each step what the instant query gives at that time.
Result<void> ScriptRunner::EvalAsMiddleStep(const EvalCommand& eval, const std::string& expr,
                                            TimestampMs at, promql::ValueType type) const {
  const auto parsed = promql::ParseExpr(expr, engine_.options().parser);
  if (parsed && DependsOnQuery(**parsed)) return Ok();
  const auto range = Execute(expr, at - kMinute, at + kMinute, kMinute);
  const std::string context = fmt::format("as range query around {}ms", at);
  if (!range) return range.error().Prefixed(context);
  PlainResult middle = ToPlain(*range);
  middle.type = type;
  for (PlainSeries& series : middle.series) {
    std::erase_if(series.samples,
                  [&](const PlainSample& sample) { return sample.timestamp != at; });
  }
  std::erase_if(middle.series, [](const PlainSeries& series) { return series.samples.empty(); });
  if (type == promql::ValueType::kScalar) {
    if (middle.series.empty()) return BadData(context + ": expected a scalar, got nothing");
    middle.scalar = middle.series[0].samples[0].value;
  }
  TRY_CONTEXT(CompareResult(eval, middle), context);
  return Ok();
}

}  // namespace vigil::tests
