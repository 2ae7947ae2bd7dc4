// SPDX-License-Identifier: Apache-2.0
// Aggregations of one series over a range. Kernels that can walk along with the windows are
// sweeps; those that need the whole window again are called window by window.
#include <algorithm>
#include <cmath>
#include <vector>

#include "server/promql/call_context.h"
#include "server/promql/functions.h"
#include "server/promql/range_window.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

using enum ValueType;

// Calls f(lo, hi, out) for every window that has samples.
template <typename F>
void ForEachWindow(const RangeSweep& sweep, F f) {
  for (size_t i = 0; i < sweep.size(); ++i) {
    const size_t lo = sweep.lo[i];
    const size_t hi = sweep.hi[i];
    if (lo < hi) f(lo, hi, sweep.out[i]);
  }
}

// Windows that overlap so much that looking at every sample of each would cost clearly more than
// looking at every sample of the series.
bool OverlapsMuch(const RangeSweep& sweep) {
  size_t total = 0;
  for (size_t i = 0; i < sweep.size(); ++i) total += sweep.hi[i] - sweep.lo[i];
  return total > 3 * sweep.values.size();
}

// Sums of whole numbers are exact in any order as long as they stay below 2^53: then differences
// of prefix sums have the same bits as adding up each window. Empty when it is not so.
std::vector<double> ExactPrefixSums(std::span<const double> values) {
  constexpr double kLimit = 9007199254740992.0;
  std::vector<double> prefix(values.size() + 1);
  double magnitude = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    magnitude += std::fabs(v);
    if (!(magnitude < kLimit) || v != std::trunc(v)) return {};
    prefix[i + 1] = prefix[i] + v;
  }
  return prefix;
}

void SumOverTime(const RangeSweep& sweep) {
  if (OverlapsMuch(sweep)) {
    const std::vector<double> prefix = ExactPrefixSums(sweep.values);
    if (!prefix.empty()) {
      ForEachWindow(sweep,
                    [&](size_t lo, size_t hi, double& out) { out = prefix[hi] - prefix[lo]; });
      return;
    }
  }
  ForEachWindow(sweep, [&](size_t lo, size_t hi, double& out) {
    KahanSum sum;
    for (size_t i = lo; i < hi; ++i) sum.Add(sweep.values[i]);
    out = sum.Total();
  });
}

void AvgOverTime(const RangeSweep& sweep) {
  if (OverlapsMuch(sweep)) {
    const std::vector<double> prefix = ExactPrefixSums(sweep.values);
    if (!prefix.empty()) {
      ForEachWindow(sweep, [&](size_t lo, size_t hi, double& out) {
        out = (prefix[hi] - prefix[lo]) / static_cast<double>(hi - lo);
      });
      return;
    }
  }
  ForEachWindow(sweep, [&](size_t lo, size_t hi, double& out) {
    KahanMean mean;
    for (size_t i = lo; i < hi; ++i) mean.Add(sweep.values[i]);
    out = mean.Mean();
  });
}

void CountOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep,
                [](size_t lo, size_t hi, double& out) { out = static_cast<double>(hi - lo); });
}

void PresentOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep, [](size_t, size_t, double& out) { out = 1; });
}

void LastOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep, [&](size_t, size_t hi, double& out) { out = sweep.values[hi - 1]; });
}

void FirstOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep, [&](size_t lo, size_t, double& out) { out = sweep.values[lo]; });
}

double Seconds(TimestampMs timestamp) { return static_cast<double>(timestamp) / 1000; }

void TsOfLastOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep,
                [&](size_t, size_t hi, double& out) { out = Seconds(sweep.timestamps[hi - 1]); });
}

void TsOfFirstOverTime(const RangeSweep& sweep) {
  ForEachWindow(sweep,
                [&](size_t lo, size_t, double& out) { out = Seconds(sweep.timestamps[lo]); });
}

struct Greater {
  bool operator()(double a, double b) const { return a > b; }
};
struct Less {
  bool operator()(double a, double b) const { return a < b; }
};

// The index of the extreme sample of [lo, hi): a value beats NaN, and of equals the first stays.
template <typename Better>
size_t ExtremeIndex(std::span<const double> values, size_t lo, size_t hi) {
  size_t best = lo;
  for (size_t i = lo + 1; i < hi; ++i) {
    if (Better()(values[i], values[best]) || std::isnan(values[best])) best = i;
  }
  return best;
}

// A queue of candidates, best first: each sample enters and leaves at most once. NaN enters only
// when nothing else is there.
template <typename Better>
void ExtremeByQueue(const RangeSweep& sweep) {
  std::vector<uint32_t> queue(sweep.values.size());
  size_t head = 0;
  size_t tail = 0;
  size_t next = 0;
  const auto beaten = [&](uint32_t old, double v) {
    return Better()(v, sweep.values[old]) || std::isnan(sweep.values[old]);
  };
  for (size_t i = 0; i < sweep.size(); ++i) {
    if (sweep.lo[i] >= sweep.hi[i]) continue;
    for (next = std::max<size_t>(next, sweep.lo[i]); next < sweep.hi[i]; ++next) {
      const double v = sweep.values[next];
      while (tail > head && beaten(queue[tail - 1], v)) --tail;
      queue[tail++] = static_cast<uint32_t>(next);
    }
    while (queue[head] < sweep.lo[i]) ++head;
    sweep.out[i] = sweep.values[queue[head]];
  }
}

template <typename Better>
void ExtremeOverTime(const RangeSweep& sweep) {
  if (OverlapsMuch(sweep)) {
    ExtremeByQueue<Better>(sweep);
    return;
  }
  ForEachWindow(sweep, [&](size_t lo, size_t hi, double& out) {
    out = sweep.values[ExtremeIndex<Better>(sweep.values, lo, hi)];
  });
}

// Of equals the last counts, unlike above.
template <typename Better>
std::optional<double> TsOfExtreme(const RangeWindow& window) {
  size_t best = 0;
  for (size_t i = 0; i < window.size(); ++i) {
    const double v = window.values[i];
    const double old = window.values[best];
    if (Better()(v, old) || v == old || std::isnan(old)) best = i;
  }
  return Seconds(window.timestamps[best]);
}

double Variance(const RangeWindow& window) {
  double count = 0;
  KahanSum mean;
  KahanSum aux;
  for (const double v : window.values) {
    count += 1;
    const double delta = v - (mean.sum + mean.c);
    mean.Add(delta / count);
    aux.Add(delta * (v - (mean.sum + mean.c)));
  }
  return (aux.sum + aux.c) / count;
}

std::optional<double> StdvarOverTime(const RangeWindow& window) { return Variance(window); }
std::optional<double> StddevOverTime(const RangeWindow& window) {
  return std::sqrt(Variance(window));
}

std::optional<double> QuantileOverTime(const RangeWindow& window) {
  window.scratch->assign(window.values.begin(), window.values.end());
  return Quantile(window.args[0], *window.scratch);
}

std::optional<double> MadOverTime(const RangeWindow& window) {
  // A median would pass over a NaN silently.
  const auto is_nan = [](double v) { return std::isnan(v); };
  if (std::ranges::any_of(window.values, is_nan)) return NormalNaN();
  window.scratch->assign(window.values.begin(), window.values.end());
  const double median = Quantile(0.5, *window.scratch);
  for (size_t i = 0; i < window.size(); ++i) {
    (*window.scratch)[i] = std::fabs(window.values[i] - median);
  }
  return Quantile(0.5, *window.scratch);
}

constexpr FunctionRow kOverTimeRows[] = {
    {.name = "avg_over_time",
     .args = {kMatrix},
     .kernel = AvgOverTime,
     .help = "Mean of the range."},
    {.name = "min_over_time",
     .args = {kMatrix},
     .kernel = ExtremeOverTime<Less>,
     .help = "Smallest value of the range."},
    {.name = "max_over_time",
     .args = {kMatrix},
     .kernel = ExtremeOverTime<Greater>,
     .help = "Largest value of the range."},
    {.name = "sum_over_time",
     .args = {kMatrix},
     .kernel = SumOverTime,
     .help = "Sum of the range."},
    {.name = "count_over_time",
     .args = {kMatrix},
     .kernel = CountOverTime,
     .help = "Number of samples of the range."},
    {.name = "stddev_over_time",
     .args = {kMatrix},
     .kernel = StddevOverTime,
     .help = "Population standard deviation of the range."},
    {.name = "stdvar_over_time",
     .args = {kMatrix},
     .kernel = StdvarOverTime,
     .help = "Population variance of the range."},
    {.name = "last_over_time",
     .args = {kMatrix},
     .keeps_name = true,
     .kernel = LastOverTime,
     .help = "Newest sample of the range."},
    {.name = "first_over_time",
     .args = {kMatrix},
     .keeps_name = true,
     .kernel = FirstOverTime,
     .help = "Oldest sample of the range."},
    {.name = "present_over_time",
     .args = {kMatrix},
     .kernel = PresentOverTime,
     .help = "1 for every series with a sample in the range."},
    {.name = "quantile_over_time",
     .args = {kScalar, kMatrix},
     .kernel = QuantileOverTime,
     .help = "Quantile of the values of the range."},
    {.name = "mad_over_time",
     .args = {kMatrix},
     .experimental = true,
     .kernel = MadOverTime,
     .help = "Median absolute deviation of the range."},
    {.name = "ts_of_min_over_time",
     .args = {kMatrix},
     .experimental = true,
     .kernel = TsOfExtreme<Less>,
     .help = "Timestamp of the smallest sample of the range."},
    {.name = "ts_of_max_over_time",
     .args = {kMatrix},
     .experimental = true,
     .kernel = TsOfExtreme<Greater>,
     .help = "Timestamp of the largest sample of the range."},
    {.name = "ts_of_last_over_time",
     .args = {kMatrix},
     .experimental = true,
     .kernel = TsOfLastOverTime,
     .help = "Timestamp of the newest sample of the range."},
    {.name = "ts_of_first_over_time",
     .args = {kMatrix},
     .experimental = true,
     .kernel = TsOfFirstOverTime,
     .help = "Timestamp of the oldest sample of the range."},
};

}  // namespace

std::span<const FunctionRow> OverTimeFunctions() { return kOverTimeRows; }

}  // namespace vigil::promql
