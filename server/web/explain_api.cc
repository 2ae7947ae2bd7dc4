// SPDX-License-Identifier: Apache-2.0
#include "server/web/explain_api.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "server/promql/function_table.h"
#include "server/promql/query_profile.h"

namespace vigil::web {
namespace {

using promql::NodeKind;

std::string_view KindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNumber:
      return "numberLiteral";
    case NodeKind::kString:
      return "stringLiteral";
    case NodeKind::kParen:
      return "parenExpr";
    case NodeKind::kUnary:
      return "unaryExpr";
    case NodeKind::kBinary:
      return "binaryExpr";
    case NodeKind::kAggregate:
      return "aggregation";
    case NodeKind::kCall:
      return "call";
    case NodeKind::kVectorSelector:
      return "vectorSelector";
    case NodeKind::kMatrixSelector:
      return "matrixSelector";
    case NodeKind::kSubquery:
      return "subquery";
    case NodeKind::kDuration:
      return "durationExpr";
  }
  return "";
}

std::string_view CallName(const promql::Call& call) {
  const auto& kernel = call.function->kernel;
  if (std::holds_alternative<promql::MapFn>(kernel)) return "value by value";
  if (std::holds_alternative<promql::SweepFn>(kernel)) return "sliding windows";
  if (std::holds_alternative<promql::RangeFn>(kernel)) return "window by window";
  return "whole arguments";
}

std::string_view AggregateName(promql::AggregateOp op) {
  using enum promql::AggregateOp;
  switch (op) {
    case kSum:
    case kAvg:
    case kMin:
    case kMax:
    case kCount:
    case kGroup:
    case kStddev:
    case kStdvar:
      return "streaming groups";
    default:
      return "all rows of the groups";
  }
}

std::string_view BinaryName(const promql::BinaryExpr& expr) {
  if (promql::IsSetOp(expr.op)) return "set of series";
  if (expr.type == promql::ValueType::kScalar) return "value by value";
  return expr.matching ? "vector matching" : "vector with scalar";
}

// A range selector is one node: where its samples come from is told with it.
promql::NodeCost OwnCost(const promql::QueryProfile& profile, const promql::Expr& expr) {
  if (expr.kind != NodeKind::kMatrixSelector) return profile.cost(expr);
  return profile.cost(*static_cast<const promql::MatrixSelector&>(expr).selector);
}

std::string_view StandInsName(storage::StandIns stand_ins) {
  switch (stand_ins) {
    case storage::StandIns::kNone:
      return "none";
    case storage::StandIns::kRollups:
      return "rollups";
    case storage::StandIns::kChunkSummaries:
      return "chunkSummaries";
  }
  return "";
}

class TreeWriter {
 public:
  TreeWriter(const promql::QueryProfile& profile, double whole_ns, JsonWriter& json)
      : profile_(profile), whole_ns_(whole_ns), json_(json) {}

  void Write(const promql::Expr& expr) {
    const promql::NodeCost own = OwnCost(profile_, expr);
    const promql::NodeCost all = profile_.total(expr);
    json_.BeginObject();
    json_.Field("text", promql::Print(expr));
    json_.Field("kind", KindName(expr.kind));
    json_.Field("type", promql::ValueTypeApiName(expr.type));
    json_.Key("position").BeginObject();
    json_.Key("start").Int(static_cast<int64_t>(expr.pos.begin));
    json_.Key("end").Int(static_cast<int64_t>(expr.pos.end)).EndObject();
    json_.Field("evaluation", EvaluationName(expr));
    json_.Key("onceForAllSteps").Bool(own.once);
    json_.Key("evaluations").Int(own.evaluations);
    json_.Key("steps").Int(own.steps);
    json_.Key("outputSeries").Int(own.output_series);
    json_.Key("series").Int(own.series);
    json_.Key("samples").Int(own.samples);
    json_.Field("standIns", StandInsName(own.stand_ins));
    json_.Key("chunksInMemory").Int(own.chunks_in_memory);
    json_.Key("chunksInDatabase").Int(own.chunks_in_database);
    json_.Key("selfSeconds").Number(static_cast<double>(own.ns) / 1e9);
    json_.Key("totalSeconds").Number(static_cast<double>(all.ns) / 1e9);
    json_.Key("share").Number(static_cast<double>(own.ns) / whole_ns_);
    json_.Key("children").BeginArray();
    if (expr.kind != NodeKind::kMatrixSelector) {
      promql::ForEachChild(expr, [this](const promql::Expr& child) { Write(child); });
    }
    json_.EndArray().EndObject();
  }

 private:
  const promql::QueryProfile& profile_;
  const double whole_ns_;
  JsonWriter& json_;
};

}  // namespace

std::string_view EvaluationName(const promql::Expr& expr) {
  switch (expr.kind) {
    case NodeKind::kNumber:
    case NodeKind::kString:
      return "constant";
    case NodeKind::kParen:
      return "as inside";
    case NodeKind::kUnary:
      return "value by value";
    case NodeKind::kBinary:
      return BinaryName(static_cast<const promql::BinaryExpr&>(expr));
    case NodeKind::kAggregate:
      return AggregateName(static_cast<const promql::AggregateExpr&>(expr).op);
    case NodeKind::kCall:
      return CallName(static_cast<const promql::Call&>(expr));
    case NodeKind::kVectorSelector:
      return "newest sample per step";
    case NodeKind::kMatrixSelector:
      return "samples of all windows at once";
    case NodeKind::kSubquery:
      return "all inner steps at once";
    case NodeKind::kDuration:
      return "";
  }
  return "";
}

Result<Annotations> ExplainApi::Explain(const ApiRequest& request, JsonWriter& json) const {
  promql::QueryRequest query =
      TRY(request.Get("step").empty() ? runner_.ReadInstant(request) : runner_.ReadRange(request));
  const std::string text = query.text;
  const promql::ExprPtr expr = TRY(runner_.Parse(query));
  promql::QueryProfile profile;
  query.profile = &profile;
  const RanQuery ran = TRY(runner_.Run(request, std::move(query), *expr));
  const promql::QueryResult& result = ran.result;
  const promql::QueryStats& stats = result.stats;
  json.BeginObject().Field("query", text);
  json.Field("resultType", promql::ValueTypeApiName(result.type));
  json.Key("resultSeries").Int(static_cast<int64_t>(result.series.size()));
  json.Key("series").Int(stats.series);
  json.Key("samples").Int(stats.samples_read);
  json.Key("chunksInMemory").Int(stats.chunks_in_memory);
  json.Key("chunksInDatabase").Int(stats.chunks_in_database);
  json.Key("peakSamples").Int(stats.peak_samples);
  json.Key("queueSeconds").Number(stats.exec_queue_s);
  json.Key("planSeconds").Number(stats.query_preparation_s);
  json.Key("evaluationSeconds").Number(stats.inner_eval_s);
  json.Key("resultSeconds").Number(stats.result_sort_s);
  // A clock that stands still must not divide by zero.
  const double whole_ns = std::max(stats.inner_eval_s * 1e9, 1.0);
  json.Key("plan");
  TreeWriter(profile, whole_ns, json).Write(*expr);
  json.EndObject();
  return Annotations{result.warnings, result.infos, {}, {}};
}

}  // namespace vigil::web
