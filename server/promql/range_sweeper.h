// SPDX-License-Identifier: Apache-2.0
// Lays the windows of a range over the samples of series after series and runs kernels over them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/promql/engine_evaluator.h"
#include "server/promql/function_table.h"
#include "server/promql/range_window.h"

namespace vigil::promql {

// Threads: owner thread only.
class RangeSweeper {
 public:
  // Windows of anchored and smoothed selectors reach `lookback` beyond the range.
  RangeSweeper(const WindowSpec& spec, const Grid& grid, DurationMs lookback);

  // EachWindow() ends early once the query is over.
  void StopWith(const QueryContext& query) { query_ = &query; }
  // Works out which samples are in which window; false when none is in any.
  bool LayOut(const std::vector<TimestampMs>& timestamps);
  // The windows of the samples laid out last. `out` is filled with "no sample" first.
  // REQUIRES: a function with a sweep or a range kernel; args: its scalar arguments, by step.
  void Run(const FunctionRow& function, const SampleColumns& samples,
           const std::vector<std::vector<double>>& args, std::span<double> out);
  // Calls kernel(window) for every window with samples and puts its result into out.
  template <typename Kernel>
  void EachWindow(const SampleColumns& samples, const std::vector<std::vector<double>>& args,
                  Kernel kernel, std::span<double> out) {
    step_args_.resize(args.size());
    size_t seen = 0;
    for (size_t i = 0; i < lo_.size(); ++i) {
      const size_t n = hi_[i] - lo_[i];
      if (n == 0) continue;
      seen += n;
      if (seen > kSamplesBetweenChecks) {
        if (query_ != nullptr && query_->Over()) return;
        seen = 0;
      }
      for (size_t arg = 0; arg < args.size(); ++arg) step_args_[arg] = args[arg][i];
      const TimestampMs end = spec_.first_end + static_cast<int64_t>(i) * spec_.stride;
      const RangeWindow window{.timestamps = std::span(samples.timestamps).subspan(lo_[i], n),
                               .values = std::span(samples.values).subspan(lo_[i], n),
                               .start = end - spec_.range_ms,
                               .end = end,
                               .eval_time = grid_.at(i),
                               .args = step_args_,
                               .scratch = &scratch_};
      const std::optional<double> result = kernel(window);
      if (result) out[i] = *result;
    }
  }

  // Window i holds the samples [lo(i), hi(i)).
  [[nodiscard]] uint32_t lo(size_t i) const { return lo_[i]; }
  [[nodiscard]] uint32_t hi(size_t i) const { return hi_[i]; }
  // How many samples were in each window, over all series.
  [[nodiscard]] const std::vector<size_t>& Counts();

 private:
  // Tens of microseconds of the slowest kernels.
  static constexpr size_t kSamplesBetweenChecks = 16'384;

  void CountLayout();

  const QueryContext* query_ = nullptr;
  WindowSpec spec_;
  Grid grid_;
  DurationMs before_;  // how far windows reach back from their end
  DurationMs after_;   // and beyond it
  // The layout in hand: timestamps it is of, samples in all windows, series that had it.
  bool laid_out_ = false;
  std::vector<TimestampMs> timestamps_;
  LayoutNotes notes_;
  const FunctionRow* notes_of_ = nullptr;
  size_t total_ = 0;
  size_t uses_ = 0;
  std::vector<uint32_t> lo_;
  std::vector<uint32_t> hi_;
  std::vector<size_t> counts_;
  std::vector<double> step_args_;
  std::vector<double> scratch_;
};

}  // namespace vigil::promql
