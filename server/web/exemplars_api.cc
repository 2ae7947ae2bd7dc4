// SPDX-License-Identifier: Apache-2.0
#include "server/web/exemplars_api.h"

#include <utility>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/promql/ast.h"
#include "server/promql/parser.h"
#include "server/web/query_runner.h"

namespace vigil::web {
namespace {

void CollectSelectors(const promql::Expr& expr, std::vector<std::vector<Matcher>>* selectors) {
  if (expr.kind == promql::NodeKind::kVectorSelector) {
    selectors->push_back(static_cast<const promql::VectorSelector&>(expr).matchers);
  }
  promql::ForEachChild(expr,
                       [&](const promql::Expr& child) { CollectSelectors(child, selectors); });
}

}  // namespace

Result<Annotations> ExemplarsApi::Query(const ApiRequest& request, JsonWriter& json) const {
  const TimestampMs start = TRY(request.TimeOr("start", kMinTime));
  const TimestampMs end = TRY(request.TimeOr("end", kMaxTime));
  if (end < start) return BadData("end timestamp must not be before start timestamp");
  auto expr = promql::ParseExpr(request.Get("query"), engine_.options().parser);
  if (!expr) return expr.error();
  std::vector<std::vector<Matcher>> selectors;
  CollectSelectors(**expr, &selectors);
  if (selectors.empty()) return Annotations{};  // nothing written: 204
  const auto running =
      runner_.Begin(request.http, {request.Get("query"), {}, promql::QueryKind::kExemplars});
  running->Start();
  const auto found = TRY(exemplars_.SelectExemplars(selectors, start, end));
  TRY(running->CheckAlive());
  json.BeginArray();
  for (const storage::SeriesExemplars& series : found) {
    json.BeginObject().Key("seriesLabels").LabelSet(series.series);
    json.Key("exemplars").BeginArray();
    for (const storage::Exemplar& exemplar : series.exemplars) {
      json.BeginObject().Key("labels").LabelSet(exemplar.labels);
      json.Field("value", FormatFloatJson(exemplar.value));
      json.Key("timestamp").Seconds(exemplar.timestamp).EndObject();
    }
    json.EndArray().EndObject();
  }
  json.EndArray();
  return Annotations{};
}

}  // namespace vigil::web
