// SPDX-License-Identifier: Apache-2.0
// Range functions over many stored series on several threads.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "server/promql/engine_evaluator.h"
#include "server/promql/function_table.h"

namespace vigil::promql {

struct ParallelRange {
  QueryContext& query;
  const Grid& grid;
  const VectorSelector& selector;
  const WindowSpec& spec;
  const storage::SeriesSet& series;
  const FunctionRow& function;
  const std::vector<std::vector<double>>& args;
  // The function looks at start times: series that have them are left to take_serially.
  bool looks_at_starts = false;
  // In order of the series, on the calling thread.
  std::function<Result<void>(const Labels& labels, std::span<double> row)> take_row;
  std::function<Result<void>(const Labels& labels, SampleColumns& samples)> take_serially;
};

// Whether there is enough to do for more than one thread.
bool IsWorthHelp(const QueryContext& query, const Grid& grid, const storage::SeriesSet& series);

// Adds how many samples were in the windows to counts, one per step, but for those of series that
// were taken serially. REQUIRES: IsWorthHelp().
Result<void> RunParallelRange(const ParallelRange& job, std::vector<size_t>* counts);

}  // namespace vigil::promql
