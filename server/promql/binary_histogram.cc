// SPDX-License-Identifier: Apache-2.0
#include "server/promql/binary_histogram.h"

#include <memory>
#include <utility>

#include "client-lib/model/histogram_estimate.h"
#include "client-lib/model/histogram_math.h"
#include "server/promql/binary.h"

namespace vigil::promql {
namespace {

using Kind = BinaryNotes::Kind;

// What an operator makes of two samples.
struct Outcome {
  HistogramPtr histogram;
  // Of comparisons: whether it holds. Of others: whether there is a result.
  bool holds = false;
  Kind note = Kind::kNone;

  // Then there is no result, not even of a comparison that gives 0 or 1.
  [[nodiscard]] bool failed() const {
    return note == Kind::kTypes || note == Kind::kLayout || note == Kind::kResetCollision;
  }
};

// A float or a histogram.
struct Operand {
  double value = 0;
  HistogramPtr histogram;
};

class HistogramOperator {
 public:
  explicit HistogramOperator(BinaryOp op) : op_(op) {}

  [[nodiscard]] Outcome Apply(const Operand& lhs, const Operand& rhs) const {
    if (lhs.histogram && rhs.histogram) return OfTwo(*lhs.histogram, *rhs.histogram);
    if (lhs.histogram) return WithFloat(*lhs.histogram, rhs.value);
    if (rhs.histogram && op_ == BinaryOp::kMul) return WithFloat(*rhs.histogram, lhs.value);
    return Incompatible();
  }

 private:
  static Outcome Compacted(std::shared_ptr<Histogram> histogram) {
    CompactHistogram(histogram.get());
    return {std::move(histogram), true};
  }
  static Outcome Incompatible() { return {nullptr, false, Kind::kTypes}; }

  [[nodiscard]] Outcome WithFloat(const Histogram& h, double v) const {
    switch (op_) {
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
        return Incompatible();
    }
  }

  [[nodiscard]] Outcome OfTwo(const Histogram& lhs, const Histogram& rhs) const {
    switch (op_) {
      case BinaryOp::kAdd:
        return Merged(lhs, rhs, AddHistogram);
      case BinaryOp::kSub:
        return Merged(lhs, rhs, SubtractHistogram);
      case BinaryOp::kEq:
        return Outcome{nullptr, SameHistogram(lhs, rhs)};
      case BinaryOp::kNe:
        return Outcome{nullptr, !SameHistogram(lhs, rhs)};
      default:
        return Incompatible();
    }
  }

  Outcome Merged(const Histogram& lhs, const Histogram& rhs,
                 HistogramMerge (*merge)(Histogram*, const Histogram&)) const {
    auto result = std::make_shared<Histogram>(lhs);
    const HistogramMerge merged = merge(result.get(), rhs);
    if (merged.incompatible) return {nullptr, false, Kind::kLayout};
    if (op_ == BinaryOp::kSub) result->reset_hint = CounterResetHint::kGauge;
    Outcome outcome = Compacted(std::move(result));
    if (merged.bounds_reconciled) outcome.note = Kind::kBoundsReconciled;
    if (merged.hint_collision) outcome.note = Kind::kResetCollision;
    return outcome;
  }

  BinaryOp op_;
};

Operand OperandAt(const OperandRow& row, size_t step) {
  if (row.histogram(step) != nullptr) return {0, row.histograms[step]};
  return {row.values[step], nullptr};
}

}  // namespace

void BinaryNotes::MoveTo(Annotations& annotations) const {
  const std::string_view op = BinaryOpText(expr_.op);
  const std::string_view operation = expr_.op == BinaryOp::kAdd ? "addition" : "subtraction";
  for (const Note& note : notes_) {
    switch (note.kind) {
      case Kind::kNone:
        break;
      case Kind::kTypes:
        annotations.IncompatibleTypes(expr_.pos, note.left_is_histogram ? "histogram" : "float", op,
                                      note.right_is_histogram ? "histogram" : "float");
        break;
      case Kind::kLayout:
        annotations.IncompatibleLayout(expr_.pos, op);
        break;
      case Kind::kResetCollision:
        annotations.ResetCollision(expr_.pos, operation);
        break;
      case Kind::kBoundsReconciled:
        annotations.BoundsReconciled(expr_.pos, operation);
        break;
    }
  }
}

void ApplyHistogramOp(const BinaryExpr& expr, Keep keep, const OperandRow& lhs,
                      const OperandRow& rhs, std::span<double> out_values,
                      std::span<HistogramPtr> out_histograms, BinaryNotes* notes) {
  const HistogramOperator op(expr.op);
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
    if (outcome.note != Kind::kNone) {
      notes->Set(step, {outcome.note, left.histogram != nullptr, right.histogram != nullptr});
    }
    if (outcome.failed()) continue;
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
