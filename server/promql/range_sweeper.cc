// SPDX-License-Identifier: Apache-2.0
#include "server/promql/range_sweeper.h"

#include <algorithm>
#include <variant>

namespace vigil::promql {

RangeSweeper::RangeSweeper(const WindowSpec& spec, const Grid& grid, DurationMs lookback)
    : spec_(spec),
      grid_(grid),
      before_(spec.range_ms + (spec.anchored || spec.smoothed ? lookback : 0)),
      after_(spec.smoothed ? lookback : 0),
      lo_(grid.count),
      hi_(grid.count),
      counts_(grid.count, 0) {}

bool RangeSweeper::LayOut(const std::vector<TimestampMs>& timestamps) {
  // Series of one target have the same timestamps: then the layout stays as it was.
  if (laid_out_ && timestamps == timestamps_) {
    ++uses_;
    return total_ > 0;
  }
  CountLayout();
  laid_out_ = true;
  notes_.known = false;
  uses_ = 1;
  timestamps_ = timestamps;
  total_ = 0;
  uint32_t first = 0;
  uint32_t end = 0;
  const auto n = static_cast<uint32_t>(timestamps.size());
  for (size_t i = 0; i < lo_.size(); ++i) {
    const TimestampMs window_end = spec_.first_end + static_cast<int64_t>(i) * spec_.stride;
    while (end < n && timestamps[end] <= window_end + after_) ++end;
    while (first < end && timestamps[first] <= window_end - before_) ++first;
    lo_[i] = first;
    hi_[i] = end;
    total_ += end - first;
  }
  return total_ > 0;
}

void RangeSweeper::CountLayout() {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += uses_ * (hi_[i] - lo_[i]);
  uses_ = 0;
}

const std::vector<size_t>& RangeSweeper::Counts() {
  CountLayout();
  return counts_;
}

void RangeSweeper::Run(const FunctionRow& function, const SampleColumns& samples,
                       const std::vector<std::vector<double>>& args, std::span<double> out) {
  const SweepFn* const kernel = std::get_if<SweepFn>(&function.kernel);
  if (notes_of_ != &function) notes_.known = false;
  notes_of_ = &function;
  const bool writes_all = kernel != nullptr && notes_.known && notes_.full;
  if (!writes_all) std::ranges::fill(out, StaleNaN());
  if (kernel != nullptr) {
    (*kernel)({.timestamps = samples.timestamps,
               .values = samples.values,
               .lo = lo_,
               .hi = hi_,
               .first_end = spec_.first_end,
               .stride = spec_.stride,
               .range_ms = spec_.range_ms,
               .first_eval = grid_.start,
               .step = grid_.step,
               .out = out,
               .notes = &notes_});
  } else {
    EachWindow(samples, args, *std::get_if<RangeFn>(&function.kernel), out);
  }
}

}  // namespace vigil::promql
