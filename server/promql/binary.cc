// SPDX-License-Identifier: Apache-2.0
// Operators with a scalar on at least one side, and the way to those between vectors.
#include "server/promql/binary.h"

#include <algorithm>

#include "server/promql/binary_histogram.h"
#include "server/promql/binary_ops.h"

namespace vigil::promql {
namespace {

bool DropsName(const BinaryExpr& expr) {
  return (!IsComparison(expr.op) && !IsTrim(expr.op)) || expr.return_bool;
}

Result<void> VectorScalarRows(Evaluator& evaluator, const BinaryExpr& expr, RowSink& sink) {
  const bool vector_left = expr.lhs->type == ValueType::kVector;
  const Expr& vector = vector_left ? *expr.lhs : *expr.rhs;
  const std::vector<double> scalar = TRY(evaluator.Scalar(vector_left ? *expr.rhs : *expr.lhs));
  // A comparison keeps the vector's value, on whichever side it stands.
  const Keep keep = expr.return_bool ? Keep::kBool : vector_left ? Keep::kLeft : Keep::kRight;
  BinaryNotes notes(expr);
  const auto run = [&](RowSink& out) {
    RowFunction apply([&](const SeriesRow& row) -> Result<void> {
      const OperandRow vector_side{row.values, row.histograms};
      const OperandRow scalar_side{scalar};
      const OperandRow& left = vector_left ? vector_side : scalar_side;
      const OperandRow& right = vector_left ? scalar_side : vector_side;
      ApplyOp(expr.op, keep, left.values, right.values, row.values);
      if (!row.histograms.empty() || IsTrim(expr.op)) {
        ApplyHistogramOp(expr, keep, left, right, row.values, row.histograms, &notes);
      }
      // A series of which nothing is left is no twin of another.
      if (!AnyPresent(row.values) && !AnyPresent(row.histograms)) return Ok();
      return out.Take(row);
    });
    return evaluator.Rows(vector, apply);
  };
  if (DropsName(expr)) {
    TRY(evaluator.DroppingNames(SameLabels::kMerge, HasSingleName(vector), sink, run));
  } else {
    TRY(run(sink));
  }
  notes.MoveTo(evaluator.query().notes);
  return Ok();
}

}  // namespace

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

bool Compare(BinaryOp op, double lhs, double rhs) {
  bool holds = false;
  WithComparison(op, [&](auto f) { holds = f(lhs, rhs); });
  return holds;
}

double ScalarOp(BinaryOp op, double lhs, double rhs) {
  if (IsComparison(op)) return Compare(op, lhs, rhs) ? 1 : 0;
  double value = 0;
  WithArithmetic(op, [&](auto f) { value = f(lhs, rhs); });
  return value;
}

Result<std::vector<double>> BinaryScalar(Evaluator& evaluator, const BinaryExpr& expr) {
  if (IsTrim(expr.op)) {
    return ExecutionError("operator \"" + std::string(BinaryOpText(expr.op)) +
                          "\" not allowed for Scalar operations");
  }
  std::vector<double> lhs = TRY(evaluator.Scalar(*expr.lhs));
  const std::vector<double> rhs = TRY(evaluator.Scalar(*expr.rhs));
  for (size_t i = 0; i < lhs.size(); ++i) lhs[i] = ScalarOp(expr.op, lhs[i], rhs[i]);
  return lhs;
}

Result<void> BinaryRows(Evaluator& evaluator, const BinaryExpr& expr, RowSink& sink) {
  if (expr.lhs->type != ValueType::kVector || expr.rhs->type != ValueType::kVector) {
    return VectorScalarRows(evaluator, expr, sink);
  }
  Value result;
  {
    const Value lhs = TRY(evaluator.Eval(*expr.lhs));
    const Value rhs = TRY(evaluator.Eval(*expr.rhs));
    result = TRY(evaluator.Charged(
        Value::Of(IsSetOp(expr.op) ? TRY(CombineSets(expr, lhs.vector, rhs.vector))
                                   : TRY(MatchVectors(evaluator, expr, lhs.vector, rhs.vector)))));
  }
  for (size_t i = 0; i < result.vector.size(); ++i) TRY(sink.Take(result.vector.AsRow(i)));
  return Ok();
}

Signature::Signature(const VectorMatching& matching) : on_(matching.on), names_(matching.labels) {
  if (!on_) names_.emplace_back(kMetricName);
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

uint64_t Signature::Of(const Labels& labels) const {
  return on_ ? labels.HashOnly(names_) : labels.HashWithout(names_);
}

Labels Signature::Group(const Labels& labels) const {
  return on_ ? labels.KeepOnly(names_) : labels.Without(names_);
}

}  // namespace vigil::promql
