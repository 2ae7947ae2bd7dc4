// SPDX-License-Identifier: Apache-2.0
// Binary operators between scalars and vectors.
#pragma once

#include <optional>

#include "server/promql/engine_evaluator.h"

namespace vigil::promql {

// REQUIRES: at least one side is a vector.
Result<void> BinaryRows(Evaluator& evaluator, const BinaryExpr& expr, RowSink& sink);
// REQUIRES: both sides are scalars.
Result<std::vector<double>> BinaryScalar(Evaluator& evaluator, const BinaryExpr& expr);

// Arithmetic, and comparisons as 0 or 1. REQUIRES: no set operator and no trim operator.
double ScalarOp(BinaryOp op, double lhs, double rhs);
// REQUIRES: IsComparison(op).
bool Compare(BinaryOp op, double lhs, double rhs);
// </ and >/ are for histograms only.
bool IsTrim(BinaryOp op);

// Operations between two vectors (binary_match.cc, binary_set.cc).
Result<Vector> MatchVectors(Evaluator& evaluator, const BinaryExpr& expr, const Vector& lhs,
                            const Vector& rhs);
Result<Vector> CombineSets(const BinaryExpr& expr, const Vector& lhs, const Vector& rhs);

// What on(...) or ignoring(...) make of label sets.
class Signature {
 public:
  explicit Signature(const VectorMatching& matching);
  [[nodiscard]] uint64_t Of(const Labels& labels) const;
  // The labels that are compared.
  [[nodiscard]] Labels Group(const Labels& labels) const;

 private:
  bool on_;
  std::vector<std::string> names_;  // sorted; with ignoring __name__ is one of them
};

}  // namespace vigil::promql
