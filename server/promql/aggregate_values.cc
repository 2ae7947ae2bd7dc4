// SPDX-License-Identifier: Apache-2.0
// Aggregations that need all values of a group at once: quantile, count_values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "client-lib/base/strings.h"
#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_text.h"
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
        if (!IsStaleNaN(v)) {
          values.push_back(v);
        } else if (vector.present(i, step)) {
          evaluator.query().notes.IgnoredInAggregation(expr.operand->pos, "quantile");
        }
      }
      row[step] = values.empty() ? StaleNaN() : Quantile(quantiles[step], values);
    }
    TRY(sink.Take({grouping.labels(group), grouping.drop_name(group), row}));
  }
  return Ok();
}

namespace {

// One row per value and group: how many series have the value at each step.
class ValueCounter : public RowSink {
 public:
  ValueCounter(Evaluator& evaluator, const AggregateExpr& expr, const std::string& label)
      : evaluator_(evaluator),
        label_(label),
        hidden_(expr.without && std::ranges::find(expr.grouping, label) != expr.grouping.end()),
        grouping_(expr) {
    out_.steps = evaluator.grid().count;
  }

  Result<void> Take(const SeriesRow& row) override {
    const Labels& base = grouping_.labels(grouping_.Of(row.labels, row.drop_name));
    std::optional<size_t> last;
    double last_value = 0;
    for (size_t step = 0; step < row.values.size(); ++step) {
      const double v = row.values[step];
      if (IsStaleNaN(v)) continue;
      if (!last || !SameBits(v, last_value)) {
        text_.clear();
        AppendFloatF(v, &text_);
        last = TRY(RowOf(base, text_));
        last_value = v;
      }
      Count(*last, step);
    }
    for (size_t step = 0; step < row.histograms.size(); ++step) {
      if (row.histograms[step] == nullptr) continue;
      Count(TRY(RowOf(base, HistogramText(*row.histograms[step]))), step);
    }
    return Ok();
  }

  Result<void> Finish(RowSink& sink) {
    for (size_t i = 0; i < out_.size(); ++i) TRY(sink.Take(out_.AsRow(i)));
    return Ok();
  }

 private:
  Result<size_t> RowOf(const Labels& base, std::string_view text) {
    builder_.Reset(base);
    if (!hidden_) builder_.Set(label_, text);
    const auto [at, fresh] = rows_.emplace(builder_.Build(), out_.size());
    if (fresh) {
      const size_t samples = out_.values.size() + out_.steps;
      label_bytes_ += at->first.HeapBytes();
      TRY(evaluator_.query().CheckRoom({samples, 2 * samples * sizeof(double) + label_bytes_}));
      out_.AppendEmpty(at->first, false);
    }
    return at->second;
  }
  void Count(size_t row, size_t step) {
    double& cell = out_.row(row)[step];
    cell = IsStaleNaN(cell) ? 1 : cell + 1;
  }

  Evaluator& evaluator_;
  const std::string& label_;
  bool hidden_;
  Grouping grouping_;
  Vector out_;
  size_t label_bytes_ = 0;
  std::unordered_map<Labels, size_t> rows_;
  std::string text_;
  LabelsBuilder builder_;
};

}  // namespace

Result<void> CountValuesRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  const std::string& label = static_cast<const StringLiteral&>(Unwrapped(*expr.param)).value;
  if (!IsUtf8Name(label)) {
    return ExecutionError(fmt::format("invalid label name {}", Quote(label)));
  }
  ValueCounter counter(evaluator, expr, label);
  TRY(evaluator.Rows(*expr.operand, counter));
  return counter.Finish(sink);
}

}  // namespace vigil::promql
