// SPDX-License-Identifier: Apache-2.0
#include "server/promql/aggregate_histogram.h"

#include <utility>

namespace vigil::promql {

void HistogramCells::Add(size_t cell, const Histogram& histogram, bool has_float,
                         std::string_view metric) {
  if (cell >= cells_.size()) cells_.resize(cell + 1);
  const bool fresh = cells_[cell] == nullptr;
  if (fresh) cells_[cell] = std::make_unique<Cell>();
  Cell& at = *cells_[cell];
  if (at.incompatible) return;
  // Behind a float there is nothing to add up.
  if (fresh && has_float) return;
  if (!fresh && std::holds_alternative<std::monostate>(at.total)) return;
  at.reset = at.reset || histogram.reset_hint == CounterResetHint::kReset;
  at.not_reset = at.not_reset || histogram.reset_hint == CounterResetHint::kNotReset;
  HistogramMerge merge;
  if (fresh && aggregate_ == HistogramAggregate::kSum) {
    at.total.emplace<HistogramSum>(histogram);
  } else if (fresh) {
    at.total.emplace<HistogramMean>(histogram);
  } else if (auto* sum = std::get_if<HistogramSum>(&at.total)) {
    merge = sum->Add(histogram);
  } else {
    merge = std::get<HistogramMean>(at.total).Add(histogram);
  }
  if (merge.bounds_reconciled) notes_.BoundsReconciled(pos_, "aggregation");
  if (!merge.incompatible) return;
  notes_.MixedSchemas(pos_, metric);
  at.incompatible = true;
}

HistogramPtr HistogramCells::Get(size_t cell, bool has_float) {
  if (!Has(cell)) return nullptr;
  const Cell& at = *cells_[cell];
  if (has_float) {
    notes_.MixedAggregation(pos_);
    return nullptr;
  }
  if (at.incompatible) return nullptr;
  if (at.reset && at.not_reset) notes_.ResetCollision(pos_, "aggregation");
  const auto* sum = std::get_if<HistogramSum>(&at.total);
  auto total = std::make_shared<Histogram>(
      sum != nullptr ? sum->Total() : std::get<HistogramMean>(at.total).Mean());
  CompactHistogram(total.get());
  return total;
}

}  // namespace vigil::promql
