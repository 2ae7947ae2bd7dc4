// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule.h"

#include <array>

#include "client-lib/base/log.h"
#include "server/promql/parser.h"

namespace vigil::rules {

std::string_view RuleHealthName(RuleHealth health) {
  static constexpr std::array<std::string_view, 3> kNames = {"unknown", "ok", "err"};
  return kNames[static_cast<size_t>(health)];
}

Rule::Rule(const RuleSpec& spec, const RuleWorld& world)
    : spec_(spec), world_(world), query_(promql::Print(*spec.parsed)) {}

void Rule::Run(const Round& round) {
  RuleReport report;
  report.last_evaluation = world_.clock.Now();
  const int64_t begun_ns = world_.clock.MonotonicNs();
  const Result<size_t> samples = Evaluate(round);
  report.evaluation_seconds = static_cast<double>(world_.clock.MonotonicNs() - begun_ns) / 1e9;
  if (samples) {
    report.health = RuleHealth::kGood;
    report.samples = *samples;
  } else {
    report.health = RuleHealth::kBad;
    report.last_error = samples.error().message;
    // At the end of the server this is what is wanted.
    if (samples.error().kind != ErrorKind::kCanceled) {
      log::Warn("rules", "evaluating the rule failed",
                {{"rule", spec_.name()}, {"err", samples.error()}});
    }
  }
  report_.Set(std::move(report));
}

Result<promql::QueryResult> Rule::Query(TimestampMs at) const {
  promql::QueryResult result = TRY(RunQuery(world_, spec_.parsed.get(), spec_.expr, at));
  if (result.type == promql::ValueType::kScalar) {
    result.timestamp_column.assign(1, at);
    result.value_column.assign(1, result.scalar);
    result.series.clear();
    result.series.push_back({Labels(), result.timestamp_column, result.value_column, {}});
  } else if (result.type != promql::ValueType::kVector) {
    return ExecutionError("rule result is not a vector or scalar");
  }
  return result;
}

Result<bool> Rule::Append(storage::SampleBatch* samples, size_t ended) const {
  const size_t floats = samples->size();
  if (floats == 0 && samples->histograms.empty()) return true;
  const Result<storage::AppendOutcome> outcome =
      world_.appender.Append(*samples, storage::AppendMode::kSkipRejected);
  samples->Clear();
  if (!outcome) return outcome.error();
  if (outcome->unknown_series > 0) return false;
  // The end of a series that somebody else writes on is no news.
  const bool marker = outcome->first_rejected >= ended && outcome->first_rejected < floats;
  if (outcome->rejected() == 0 || marker) return true;
  return ExecutionError(std::string(storage::SampleVerdictText(outcome->first_reason)));
}

}  // namespace vigil::rules
