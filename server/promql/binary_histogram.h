// SPDX-License-Identifier: Apache-2.0
// Binary operators at steps where a side is a native histogram.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

// What there is to say about operations on histograms: of each step the last thing only, as
// upstream does.
// Threads: owner thread only.
class BinaryNotes {
 public:
  enum class Kind : uint8_t { kNone, kTypes, kLayout, kResetCollision, kBoundsReconciled };
  struct Note {
    Kind kind = Kind::kNone;
    bool left_is_histogram = false;  // of kTypes
    bool right_is_histogram = false;
  };

  explicit BinaryNotes(const BinaryExpr& expr) : expr_(expr) {}
  void Set(size_t step, const Note& note) {
    if (notes_.size() <= step) notes_.resize(step + 1);
    notes_[step] = note;
  }
  void MoveTo(Annotations& annotations) const;

 private:
  const BinaryExpr& expr_;
  std::vector<Note> notes_;
};

// Fills in the steps at which both sides have a sample and one of them (for trim operators: any)
// is a histogram. The other steps are left as they are.
// REQUIRES: no set operator; the output columns are as long as the sides, out_histograms may be
// empty when no side has histograms. The output may be that of a side.
void ApplyHistogramOp(const BinaryExpr& expr, Keep keep, const OperandRow& lhs,
                      const OperandRow& rhs, std::span<double> out_values,
                      std::span<HistogramPtr> out_histograms, BinaryNotes* notes);

}  // namespace vigil::promql
