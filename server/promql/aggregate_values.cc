// SPDX-License-Identifier: Apache-2.0
// Aggregations that need all values of a group at once: quantile, count_values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "server/promql/aggregate.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

void WarnOfQuantiles(Evaluator& evaluator, const AggregateExpr& expr,
                     const std::vector<double>& quantiles) {
  Annotations& notes = evaluator.query().notes;
  for (const double q : quantiles) {
    if (!(q >= 0 && q <= 1)) notes.InvalidQuantile(expr.param->pos, q);
  }
}

}  // namespace

Result<void> QuantileRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  const std::vector<double> quantiles = TRY(evaluator.Scalar(*expr.param));
  WarnOfQuantiles(evaluator, expr, quantiles);
  const Value value = TRY(evaluator.Eval(*expr.operand));
  const Vector& vector = value.vector;
  Grouping grouping(expr);
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < vector.size(); ++i) {
    const size_t group = grouping.Of(vector.labels[i], vector.drop_name[i] != 0);
    if (group == groups.size()) groups.emplace_back();
    groups[group].push_back(i);
  }
  std::vector<double> row(vector.steps);
  std::vector<double> values;
  for (size_t group = 0; group < groups.size(); ++group) {
    TRY(evaluator.query().CheckAlive());
    for (size_t step = 0; step < row.size(); ++step) {
      values.clear();
      for (const size_t i : groups[group]) {
        const double v = vector.row(i)[step];
        if (!IsStaleNaN(v)) values.push_back(v);
      }
      row[step] = values.empty() ? StaleNaN() : Quantile(quantiles[step], values);
    }
    TRY(sink.Take({grouping.labels(group), grouping.drop_name(group), row}));
  }
  return Ok();
}

Result<void> CountValuesRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  const std::string& label = static_cast<const StringLiteral&>(Unwrapped(*expr.param)).value;
  if (!IsUtf8Name(label)) {
    return ExecutionError(fmt::format("invalid label name {}", Quote(label)));
  }
  const bool hidden =
      expr.without && std::ranges::find(expr.grouping, label) != expr.grouping.end();
  Vector out;
  out.steps = evaluator.grid().count;
  Grouping grouping(expr);
  std::unordered_map<Labels, size_t> rows;
  std::string text;
  LabelsBuilder builder;
  RowFunction count([&](const SeriesRow& row) -> Result<void> {
    const Labels& base = grouping.labels(grouping.Of(row.labels, row.drop_name));
    std::optional<size_t> last;
    double last_value = 0;
    for (size_t step = 0; step < row.values.size(); ++step) {
      const double v = row.values[step];
      if (IsStaleNaN(v)) continue;
      if (!last || !SameBits(v, last_value)) {
        text.clear();
        AppendFloatF(v, &text);
        builder.Reset(base);
        if (!hidden) builder.Set(label, text);
        const auto [at, fresh] = rows.emplace(builder.Build(), out.size());
        if (fresh) {
          TRY(evaluator.query().CheckRoom(out.values.size() + out.steps));
          out.AppendEmpty(at->first, false);
        }
        last = at->second;
        last_value = v;
      }
      double& cell = out.row(*last)[step];
      cell = IsStaleNaN(cell) ? 1 : cell + 1;
    }
    return Ok();
  });
  TRY(evaluator.Rows(*expr.operand, count));
  for (size_t i = 0; i < out.size(); ++i) {
    TRY(sink.Take({out.labels[i], false, out.row(i)}));
  }
  return Ok();
}

}  // namespace vigil::promql
