// SPDX-License-Identifier: Apache-2.0
// Sums and means of native histograms over the series of groups.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "client-lib/model/histogram_math.h"
#include "server/promql/annotations.h"

namespace vigil::promql {

enum class HistogramAggregate { kSum, kMean };

// A cell per group and step, made when the first histogram comes to it.
// Threads: owner thread only.
class HistogramCells {
 public:
  HistogramCells(HistogramAggregate aggregate, Annotations& notes, PosRange pos)
      : aggregate_(aggregate), notes_(notes), pos_(pos) {}

  // `has_float`: the cell's group has a float at this step already, so that the result is void.
  void Add(size_t cell, const Histogram& histogram, bool has_float, std::string_view metric);
  [[nodiscard]] bool Has(size_t cell) const {
    return cell < cells_.size() && cells_[cell] != nullptr;
  }
  // Histograms came that cannot be added: what comes later does not matter.
  [[nodiscard]] bool IsVoid(size_t cell) const { return Has(cell) && cells_[cell]->incompatible; }
  // Null when there is no result. The floats of a group that has histograms too must be dropped.
  HistogramPtr Get(size_t cell, bool has_float);
  [[nodiscard]] bool empty() const { return cells_.empty(); }

 private:
  struct Cell {
    std::variant<std::monostate, HistogramSum, HistogramMean> total;
    bool incompatible = false;
    bool reset = false;
    bool not_reset = false;
  };

  HistogramAggregate aggregate_;
  Annotations& notes_;
  PosRange pos_;
  std::vector<std::unique_ptr<Cell>> cells_;
};

}  // namespace vigil::promql
