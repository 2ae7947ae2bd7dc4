// SPDX-License-Identifier: Apache-2.0
// Aggregations that take one series after the other: memory grows with groups, not with series.
#include "server/promql/aggregate.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

// One group at one step. Add() for each sample; Get() when there was at least one.
struct SumCell {
  KahanSum sum;
  bool empty = true;
  void Add(double v) {
    if (empty) {
      sum.sum = v;
      empty = false;
    } else {
      sum.Add(v);
    }
  }
  [[nodiscard]] double Get() const { return empty ? StaleNaN() : sum.sum + sum.c; }
};

struct MeanCell {
  KahanMean mean;
  void Add(double v) { mean.Add(v); }
  [[nodiscard]] double Get() const { return mean.empty() ? StaleNaN() : mean.Mean(); }
};

struct MinCell {
  double value = StaleNaN();
  void Add(double v) {
    if (v < value || std::isnan(value)) value = v;
  }
  [[nodiscard]] double Get() const { return value; }
};

struct MaxCell {
  double value = StaleNaN();
  void Add(double v) {
    if (v > value || std::isnan(value)) value = v;
  }
  [[nodiscard]] double Get() const { return value; }
};

struct CountCell {
  uint64_t count = 0;
  void Add(double) { ++count; }
  [[nodiscard]] double Get() const { return count == 0 ? StaleNaN() : static_cast<double>(count); }
};

struct GroupCell {
  bool any = false;
  void Add(double) { any = true; }
  [[nodiscard]] double Get() const { return any ? 1 : StaleNaN(); }
};

struct VarianceCell {
  double count = 0;
  double mean = 0;
  double squares = 0;
  void Add(double v) {
    count += 1;
    if (count == 1) {
      mean = v;
      squares = std::isfinite(v) ? 0 : NormalNaN();
      return;
    }
    const double delta = v - mean;
    mean += delta / count;
    squares += delta * (v - mean);
  }
  [[nodiscard]] double Get() const { return count == 0 ? StaleNaN() : squares / count; }
};

struct DeviationCell : VarianceCell {
  [[nodiscard]] double Get() const { return count == 0 ? StaleNaN() : std::sqrt(squares / count); }
};

template <typename Cell>
Result<void> StreamRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  const size_t steps = evaluator.grid().count;
  Grouping grouping(expr);
  std::vector<Cell> cells;  // a row of steps per group
  RowFunction add([&](const SeriesRow& row) -> Result<void> {
    const size_t group = grouping.Of(row.labels, row.drop_name);
    if (cells.size() < grouping.size() * steps) {
      TRY(evaluator.query().CheckRoom(grouping.size() * steps));
      cells.resize(grouping.size() * steps);
    }
    Cell* cell = cells.data() + group * steps;
    for (const double v : row.values) {
      if (!IsStaleNaN(v)) cell->Add(v);
      ++cell;
    }
    return Ok();
  });
  TRY(evaluator.Rows(*expr.operand, add));
  std::vector<double> row(steps);
  for (size_t group = 0; group < grouping.size(); ++group) {
    for (size_t step = 0; step < steps; ++step) row[step] = cells[group * steps + step].Get();
    TRY(sink.Take({grouping.labels(group), grouping.drop_name(group), row}));
  }
  return Ok();
}

}  // namespace

Grouping::Grouping(const AggregateExpr& expr) : without_(expr.without), names_(expr.grouping) {
  if (without_) names_.emplace_back(kMetricName);
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

uint64_t Grouping::Key(const Labels& labels) const {
  if (without_) return labels.HashWithout(names_);
  return names_.empty() ? 0 : labels.HashOnly(names_);
}

size_t Grouping::Of(const Labels& labels, bool drop_name) {
  const auto [at, fresh] = groups_.emplace(Key(labels), labels_.size());
  if (fresh) {
    labels_.push_back(without_ ? labels.Without(names_) : labels.KeepOnly(names_));
    drop_name_.push_back(0);
  }
  if (drop_name) drop_name_[at->second] = 1;
  return at->second;
}

Result<void> AggregateRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  switch (expr.op) {
    case AggregateOp::kSum:
      return StreamRows<SumCell>(evaluator, expr, sink);
    case AggregateOp::kAvg:
      return StreamRows<MeanCell>(evaluator, expr, sink);
    case AggregateOp::kMin:
      return StreamRows<MinCell>(evaluator, expr, sink);
    case AggregateOp::kMax:
      return StreamRows<MaxCell>(evaluator, expr, sink);
    case AggregateOp::kCount:
      return StreamRows<CountCell>(evaluator, expr, sink);
    case AggregateOp::kGroup:
      return StreamRows<GroupCell>(evaluator, expr, sink);
    case AggregateOp::kStddev:
      return StreamRows<DeviationCell>(evaluator, expr, sink);
    case AggregateOp::kStdvar:
      return StreamRows<VarianceCell>(evaluator, expr, sink);
    case AggregateOp::kQuantile:
      return QuantileRows(evaluator, expr, sink);
    case AggregateOp::kCountValues:
      return CountValuesRows(evaluator, expr, sink);
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return SelectRows(evaluator, expr, sink);
  }
  return Ok();
}

}  // namespace vigil::promql
