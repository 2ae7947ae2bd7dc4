// SPDX-License-Identifier: Apache-2.0
// Binary operators at steps where a side is a native histogram.
#pragma once

#include <span>

#include "server/promql/ast.h"
#include "server/promql/binary_ops.h"
#include "server/promql/engine_context.h"

namespace vigil::promql {

// One side of an operator over all steps. A scalar has a value at every step.
struct OperandRow {
  std::span<const double> values;
  std::span<const HistogramPtr> histograms = {};

  [[nodiscard]] const Histogram* histogram(size_t step) const {
    return histograms.empty() ? nullptr : histograms[step].get();
  }
  [[nodiscard]] bool present(size_t step) const {
    return !IsStaleNaN(values[step]) || histogram(step) != nullptr;
  }
};

// Fills in the steps at which both sides have a sample and one of them (for trim operators: any)
// is a histogram. The other steps are left as they are.
// REQUIRES: no set operator; the output columns are as long as the sides, out_histograms may be
// empty when no side has histograms. The output may be that of a side.
void ApplyHistogramOp(QueryContext& query, const BinaryExpr& expr, Keep keep, const OperandRow& lhs,
                      const OperandRow& rhs, std::span<double> out_values,
                      std::span<HistogramPtr> out_histograms);

}  // namespace vigil::promql
