// SPDX-License-Identifier: Apache-2.0
#include "server/promql/binary_histogram.h"

#include <memory>
#include <optional>
#include <utility>

#include "client-lib/model/histogram_estimate.h"
#include "client-lib/model/histogram_math.h"
#include "server/promql/binary.h"

namespace vigil::promql {
namespace {

// What an operator makes of two samples.
struct Outcome {
  HistogramPtr histogram;
  // Of comparisons: whether it holds. Of others: whether there is a result.
  bool holds = false;
};

// A float or a histogram.
struct Operand {
  double value = 0;
  HistogramPtr histogram;

  [[nodiscard]] std::string_view type() const { return histogram ? "histogram" : "float"; }
};

class HistogramOperator {
 public:
  HistogramOperator(Annotations& notes, const BinaryExpr& expr) : notes_(notes), expr_(expr) {}

  Outcome Apply(const Operand& lhs, const Operand& rhs) const {
    std::optional<Outcome> outcome;
    if (lhs.histogram && rhs.histogram) {
      outcome = OfTwo(*lhs.histogram, *rhs.histogram);
    } else if (lhs.histogram) {
      outcome = WithFloat(*lhs.histogram, rhs.value);
    } else if (rhs.histogram && expr_.op == BinaryOp::kMul) {
      outcome = WithFloat(*rhs.histogram, lhs.value);
    }
    if (outcome) return *std::move(outcome);
    notes_.IncompatibleTypes(expr_.pos, lhs.type(), BinaryOpText(expr_.op), rhs.type());
    return {};
  }

 private:
  static Outcome Compacted(std::shared_ptr<Histogram> histogram) {
    CompactHistogram(histogram.get());
    return {std::move(histogram), true};
  }

  [[nodiscard]] std::optional<Outcome> WithFloat(const Histogram& h, double v) const {
    switch (expr_.op) {
      case BinaryOp::kMul: {
        auto product = std::make_shared<Histogram>(h);
        MultiplyHistogram(product.get(), v);
        return Compacted(std::move(product));
      }
      case BinaryOp::kDiv: {
        auto quotient = std::make_shared<Histogram>(h);
        DivideHistogram(quotient.get(), v);
        return Compacted(std::move(quotient));
      }
      case BinaryOp::kTrimUpper:
        return Outcome{std::make_shared<const Histogram>(TrimHistogram(h, v, TrimKeep::kBelow)),
                       true};
      case BinaryOp::kTrimLower:
        return Outcome{std::make_shared<const Histogram>(TrimHistogram(h, v, TrimKeep::kAbove)),
                       true};
      default:
        return std::nullopt;
    }
  }

  [[nodiscard]] std::optional<Outcome> OfTwo(const Histogram& lhs, const Histogram& rhs) const {
    switch (expr_.op) {
      case BinaryOp::kAdd:
        return Merged(lhs, rhs, AddHistogram, "addition");
      case BinaryOp::kSub: {
        return Merged(lhs, rhs, SubtractHistogram, "subtraction");
      }
      case BinaryOp::kEq:
        return Outcome{nullptr, SameHistogram(lhs, rhs)};
      case BinaryOp::kNe:
        return Outcome{nullptr, !SameHistogram(lhs, rhs)};
      default:
        return std::nullopt;
    }
  }

  Outcome Merged(const Histogram& lhs, const Histogram& rhs,
                 HistogramMerge (*merge)(Histogram*, const Histogram&),
                 std::string_view operation) const {
    auto result = std::make_shared<Histogram>(lhs);
    const HistogramMerge merged = merge(result.get(), rhs);
    if (merged.incompatible) {
      notes_.IncompatibleLayout(expr_.pos, BinaryOpText(expr_.op));
      return {};
    }
    if (merged.hint_collision) notes_.ResetCollision(expr_.pos, operation);
    if (merged.bounds_reconciled) notes_.BoundsReconciled(expr_.pos, operation);
    if (expr_.op == BinaryOp::kSub) result->reset_hint = CounterResetHint::kGauge;
    return Compacted(std::move(result));
  }

  Annotations& notes_;
  const BinaryExpr& expr_;
};

Operand OperandAt(const OperandRow& row, size_t step) {
  if (row.histogram(step) != nullptr) return {0, row.histograms[step]};
  return {row.values[step], nullptr};
}

}  // namespace

void ApplyHistogramOp(QueryContext& query, const BinaryExpr& expr, Keep keep, const OperandRow& lhs,
                      const OperandRow& rhs, std::span<double> out_values,
                      std::span<HistogramPtr> out_histograms) {
  const HistogramOperator op(query.notes, expr);
  for (size_t step = 0; step < out_values.size(); ++step) {
    const bool any = lhs.histogram(step) != nullptr || rhs.histogram(step) != nullptr;
    if (!any && !IsTrim(expr.op)) continue;
    const Operand left = OperandAt(lhs, step);
    const Operand right = OperandAt(rhs, step);
    const bool both = lhs.present(step) && rhs.present(step);
    out_values[step] = StaleNaN();
    if (!out_histograms.empty()) out_histograms[step] = nullptr;
    if (!both) continue;
    Outcome outcome = op.Apply(left, right);
    if (IsComparison(expr.op) && keep == Keep::kBool) {
      out_values[step] = outcome.holds ? 1 : 0;
    } else if (outcome.holds) {
      if (IsComparison(expr.op)) {
        outcome.histogram = keep == Keep::kLeft ? left.histogram : right.histogram;
      }
      out_histograms[step] = std::move(outcome.histogram);
    }
  }
}

}  // namespace vigil::promql
