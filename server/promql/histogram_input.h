// SPDX-License-Identifier: Apache-2.0
// The histograms of a vector, native ones and those made of classic buckets.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "client-lib/model/labels.h"
#include "server/promql/call_context.h"
#include "server/promql/classic_histogram.h"

namespace vigil::promql {

// REQUIRES: does not outlive the vector. Threads: owner thread only.
class HistogramInput {
 public:
  // A classic histogram: rows of the vector, sorted by bound.
  struct Classic {
    Labels labels;  // without le
    bool drop_name = false;
    std::vector<std::pair<double, size_t>> rows;
  };

  // Warns of series whose le is no number and of native histograms that stand beside classic ones
  // with the same labels: at such steps there is neither.
  HistogramInput(CallContext& call, const Vector& vector, const Expr& arg);

  [[nodiscard]] const std::vector<Classic>& classic() const { return classic_; }
  // The rows of the vector that have native histograms.
  [[nodiscard]] const std::vector<size_t>& native() const { return native_; }

  // The buckets of a classic histogram at the step; false when there is none.
  bool Gather(size_t classic, size_t step, std::vector<Bucket>* buckets) const;
  // Null when there is none.
  [[nodiscard]] const Histogram* NativeAt(size_t row, size_t step) const;

 private:
  void GroupBuckets(CallContext& call, const Expr& arg);
  void FindConflicts(CallContext& call, const Expr& arg);
  bool GatherAny(size_t classic, size_t step, std::vector<Bucket>* buckets) const;

  const Vector& vector_;
  std::vector<Classic> classic_;
  std::vector<size_t> native_;
  // Rows of steps, empty when there is no conflict: by classic histogram, by row of the vector.
  std::vector<std::vector<uint8_t>> classic_conflicts_;
  std::vector<std::vector<uint8_t>> native_conflicts_;
};

}  // namespace vigil::promql
