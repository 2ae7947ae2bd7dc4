// SPDX-License-Identifier: Apache-2.0
// Aggregations that take one series after the other: memory grows with groups, not with series.
#include "server/promql/aggregate.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "server/promql/aggregate_histogram.h"
#include "server/promql/statistics.h"
#include "server/promql/sum_rows.h"

namespace vigil::promql {
namespace {

// One group at one step. Add() for each sample; Get() when there was at least one.
struct MeanCell {
  static constexpr Histograms kHistograms = Histograms::kMean;
  KahanMean mean;
  void Add(double v) { mean.Add(v); }
  [[nodiscard]] double Get() const { return mean.empty() ? StaleNaN() : mean.Mean(); }
};

struct MinCell {
  static constexpr Histograms kHistograms = Histograms::kIgnored;
  double value = StaleNaN();
  void Add(double v) {
    if (v < value || std::isnan(value)) value = v;
  }
  [[nodiscard]] double Get() const { return value; }
};

struct MaxCell {
  static constexpr Histograms kHistograms = Histograms::kIgnored;
  double value = StaleNaN();
  void Add(double v) {
    if (v > value || std::isnan(value)) value = v;
  }
  [[nodiscard]] double Get() const { return value; }
};

struct CountCell {
  static constexpr Histograms kHistograms = Histograms::kCounted;
  uint64_t count = 0;
  void Add(double) { ++count; }
  [[nodiscard]] double Get() const { return count == 0 ? StaleNaN() : static_cast<double>(count); }
};

struct GroupCell {
  static constexpr Histograms kHistograms = Histograms::kCounted;
  bool any = false;
  void Add(double) { any = true; }
  [[nodiscard]] double Get() const { return any ? 1 : StaleNaN(); }
};

struct VarianceCell {
  static constexpr Histograms kHistograms = Histograms::kIgnored;
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

// The cells of all groups, a row of steps per group.
template <typename Cell>
class CellRows {
 public:
  static constexpr Histograms kHistograms = Cell::kHistograms;
  explicit CellRows(size_t steps) : steps_(steps) {}

  void Resize(size_t groups) { cells_.resize(groups * steps_); }
  void AddRow(size_t group, std::span<const double> row) {
    Cell* cell = cells_.data() + group * steps_;
    for (const double v : row) {
      if (!IsStaleNaN(v)) cell->Add(v);
      ++cell;
    }
  }
  void Add(size_t cell, double v) { cells_[cell].Add(v); }
  [[nodiscard]] double Get(size_t cell) const { return cells_[cell].Get(); }

 private:
  size_t steps_;
  std::vector<Cell> cells_;
};

// Takes rows as they come.
template <typename Cells>
class Stream : public RowSink {
 public:
  Stream(Evaluator& evaluator, const AggregateExpr& expr)
      : evaluator_(evaluator),
        expr_(expr),
        steps_(evaluator.grid().count),
        grouping_(expr),
        cells_(steps_),
        histograms_(Cells::kHistograms == Histograms::kSum ? HistogramAggregate::kSum
                                                           : HistogramAggregate::kMean,
                    evaluator.query().notes, expr.operand->pos) {}

  Result<void> Take(const SeriesRow& row) override {
    const size_t group = grouping_.Of(row.labels, row.drop_name);
    if (groups_ < grouping_.size()) {
      groups_ = grouping_.size();
      group_label_bytes_ += row.labels.HeapBytes();
      TRY(evaluator_.query().CheckRoom(
          {groups_ * steps_, groups_ * steps_ * 2 * sizeof(double) + group_label_bytes_}));
      cells_.Resize(groups_);
    }
    const size_t first = group * steps_;
    if (!histograms_.empty()) {
      AddChecked(row, first);
    } else {
      cells_.AddRow(group, row.values);
    }
    if (!row.histograms.empty()) AddHistograms(row, first);
    return Ok();
  }

  [[nodiscard]] bool ignores_name() const override { return grouping_.ignores_name(); }

  Result<void> Finish(RowSink& sink) {
    std::vector<double> row(steps_);
    std::vector<HistogramPtr> histogram_row;
    for (size_t group = 0; group < grouping_.size(); ++group) {
      const size_t first = group * steps_;
      for (size_t step = 0; step < steps_; ++step) row[step] = cells_.Get(first + step);
      histogram_row.clear();
      if (!histograms_.empty()) {
        histogram_row.resize(steps_);
        for (size_t step = 0; step < steps_; ++step) {
          if (!histograms_.Has(first + step)) continue;
          histogram_row[step] = histograms_.Get(first + step, !IsStaleNaN(row[step]));
          row[step] = StaleNaN();
        }
      }
      TRY(sink.Take({grouping_.labels(group), grouping_.drop_name(group), row, histogram_row}));
    }
    return Ok();
  }

 private:
  // As Take() does, but for groups that histograms have made void.
  void AddChecked(const SeriesRow& row, size_t first) {
    for (size_t step = 0; step < steps_; ++step) {
      if (IsStaleNaN(row.values[step]) || histograms_.IsVoid(first + step)) continue;
      cells_.Add(first + step, row.values[step]);
    }
  }

  void AddHistograms(const SeriesRow& row, size_t first) {
    for (size_t step = 0; step < steps_; ++step) {
      const HistogramPtr& histogram = row.histograms[step];
      if (histogram == nullptr) continue;
      if constexpr (Cells::kHistograms == Histograms::kCounted) {
        cells_.Add(first + step, 0);
      } else if constexpr (Cells::kHistograms == Histograms::kIgnored) {
        evaluator_.query().notes.IgnoredInAggregation(expr_.operand->pos,
                                                      AggregateOpText(expr_.op));
      } else {
        histograms_.Add(first + step, *histogram, !IsStaleNaN(cells_.Get(first + step)),
                        row.labels.MetricName());
      }
    }
  }

  Evaluator& evaluator_;
  const AggregateExpr& expr_;
  size_t steps_;
  Grouping grouping_;
  size_t groups_ = 0;
  size_t group_label_bytes_ = 0;  // at most
  Cells cells_;
  HistogramCells histograms_;
};

template <typename Cells>
Result<void> StreamRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  Stream<Cells> stream(evaluator, expr);
  TRY(evaluator.Rows(*expr.operand, stream));
  return stream.Finish(sink);
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
  const uint64_t key = Key(labels);
  // Series come sorted: mostly this one belongs to the group of the one before.
  if (labels_.empty() || key != last_key_) {
    const auto [at, fresh] = groups_.try_emplace(key, labels_.size());
    if (fresh) {
      labels_.push_back(without_ ? labels.Without(names_) : labels.KeepOnly(names_));
      drop_name_.push_back(0);
    }
    last_key_ = key;
    last_ = at->second;
  }
  if (drop_name) drop_name_[last_] = 1;
  return last_;
}

Result<void> AggregateRows(Evaluator& evaluator, const AggregateExpr& expr, RowSink& sink) {
  switch (expr.op) {
    case AggregateOp::kSum:
      return StreamRows<SumRows>(evaluator, expr, sink);
    case AggregateOp::kAvg:
      return StreamRows<CellRows<MeanCell>>(evaluator, expr, sink);
    case AggregateOp::kMin:
      return StreamRows<CellRows<MinCell>>(evaluator, expr, sink);
    case AggregateOp::kMax:
      return StreamRows<CellRows<MaxCell>>(evaluator, expr, sink);
    case AggregateOp::kCount:
      return StreamRows<CellRows<CountCell>>(evaluator, expr, sink);
    case AggregateOp::kGroup:
      return StreamRows<CellRows<GroupCell>>(evaluator, expr, sink);
    case AggregateOp::kStddev:
      return StreamRows<CellRows<DeviationCell>>(evaluator, expr, sink);
    case AggregateOp::kStdvar:
      return StreamRows<CellRows<VarianceCell>>(evaluator, expr, sink);
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
