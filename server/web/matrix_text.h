// SPDX-License-Identifier: Apache-2.0
// The series of a matrix as JSON, in parts that can be written independently of one another.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "server/promql/engine.h"

namespace vigil::web {

// How much text a histogram is, in points of about 30 bytes.
size_t PointsOf(const Histogram& histogram);

// What stands between the brackets of "result":[...]. The text is that of all parts, one behind the
// other; a part is some 60 kB, be it a piece of a long series or many short ones.
// Threads: any; several may write parts at once.
class MatrixText {
 public:
  // The series must outlive it.
  explicit MatrixText(std::span<const promql::ResultSeries> series);

  [[nodiscard]] size_t parts() const { return cuts_.size() - 1; }
  // Appends the part's text.
  void WritePart(size_t part, std::string* out) const;

 private:
  // Where a part begins. Items are the values of a series and its histograms behind them.
  struct Cut {
    size_t series = 0;
    size_t item = 0;
  };

  std::span<const promql::ResultSeries> series_;
  std::vector<Cut> cuts_;  // the last one is the end
};

}  // namespace vigil::web
