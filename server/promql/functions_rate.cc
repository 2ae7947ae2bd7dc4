// SPDX-License-Identifier: Apache-2.0
// Rates, differences and regressions over a range.
#include "server/promql/functions_rate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "server/promql/functions.h"
#include "server/promql/range_window.h"
#include "server/promql/statistics.h"
#include "server/promql/wide.h"

namespace vigil::promql {
namespace {

using enum ValueType;

using Kind = RateKind;

// Where the counter fell: indexes i with values[i] < values[i - 1].
std::vector<uint32_t> FindResets(std::span<const double> values) {
  constexpr size_t kStride = 256;
  std::vector<uint32_t> resets;
  for (size_t from = 1; from < values.size(); from += kStride) {
    const size_t to = std::min(from + kStride, values.size());
    if (!AnyFall(values.data(), from, to)) continue;
    for (size_t i = from; i < to; ++i) {
      if (values[i] < values[i - 1]) resets.push_back(static_cast<uint32_t>(i));
    }
  }
  return resets;
}

// The factor of each window as far as it does not depend on the values, divided by the range for
// rates.
template <Kind kKind>
class Extrapolation {
 public:
  Extrapolation(const RangeSweep& sweep, LayoutNotes* notes)
      : sweep_(sweep), range_s_(static_cast<double>(sweep.range_ms) / 1000), notes_(*notes) {
    if (!notes_.known) Prepare();
  }

  // difference * factor, of a counter limited by the time at which it was zero.
  [[nodiscard]] double Scale(size_t i, double first_value, double difference) const {
    if (kKind != Kind::kDelta && ReachesZero(i, first_value, difference)) {
      return difference * FactorOf(i, first_value, difference);
    }
    return difference * notes_.factor[i];
  }

 private:
  void Prepare() {
    const size_t n = sweep_.size();
    notes_.known = true;
    notes_.full = true;
    notes_.width = n == 0 ? 0 : sweep_.hi[0] - sweep_.lo[0];
    notes_.factor.resize(n);
    notes_.sampled.resize(n);
    notes_.to_start.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const size_t lo = sweep_.lo[i];
      const size_t hi = sweep_.hi[i];
      if (hi - lo != notes_.width || lo != sweep_.lo[0] + i) notes_.width = 0;
      if (hi < lo + 2) {
        notes_.full = false;
        continue;
      }
      notes_.factor[i] = FactorOf(i, 0, 0);
      notes_.sampled[i] =
          static_cast<double>(sweep_.timestamps[hi - 1] - sweep_.timestamps[lo]) / 1000;
      notes_.to_start[i] =
          static_cast<double>(sweep_.timestamps[lo] - sweep_.window_start(i)) / 1000;
    }
  }

  // A difference of 0 sets no limit.
  [[nodiscard]] double FactorOf(size_t i, double first_value, double difference) const {
    const size_t lo = sweep_.lo[i];
    const size_t hi = sweep_.hi[i];
    const RateEdges edges{first_value, sweep_.timestamps[lo], sweep_.timestamps[hi - 1],
                          static_cast<double>(hi - lo - 1)};
    const double factor =
        ExtrapolationFactor(edges, sweep_.window_start(i), sweep_.window_end(i), difference, kKind);
    return kKind == Kind::kRate ? factor / range_s_ : factor;
  }

  // Whether the counter may have been at zero since the start of the window; true in doubt. The
  // margin is far above what rounding does. One branch: it is nearly never so.
  [[nodiscard]] bool ReachesZero(size_t i, double first_value, double difference) const {
    const double limit = notes_.to_start[i] * difference;
    const bool safe = (limit > 1e-290) & (first_value * notes_.sampled[i] > limit * (1 + 1e-9));
    return (difference > 0) & (first_value >= 0) & !safe;
  }

  const RangeSweep& sweep_;
  const double range_s_;
  LayoutNotes& notes_;
};

// Last less first value of all windows, each with what was lost by the resets inside it, added in
// the order of time.
void SparseDifferences(const RangeSweep& sweep, std::span<const uint32_t> resets) {
  const double* const v = sweep.values.data();
  size_t reset = 0;
  for (size_t i = 0; i < sweep.size(); ++i) {
    const size_t lo = sweep.lo[i];
    const size_t hi = sweep.hi[i];
    if (hi < lo + 2) continue;
    double difference = v[hi - 1] - v[lo];
    while (reset < resets.size() && resets[reset] <= lo) ++reset;
    for (size_t r = reset; r < resets.size() && resets[r] < hi; ++r) {
      difference += v[resets[r] - 1];
    }
    sweep.out[i] = difference;
  }
}

// The same for gauges taken for counters, which are reset all the time: the sums of many windows
// side by side. Adding -0 changes nothing, so that every sample can be added.
// REQUIRES: window i is [lo[0] + i, lo[0] + i + width).
void DenseDifferences(const RangeSweep& sweep, uint32_t width) {
  constexpr size_t kBlock = 32;
  const size_t first = sweep.lo[0];
  const double* const v = sweep.values.data() + first;
  const size_t n = sweep.size() + width - 1;
  std::vector<double> lost(n + kBlock, -0.0);
  for (size_t i = 1; i < n; ++i) lost[i] = v[i] < v[i - 1] ? v[i - 1] : -0.0;
  for (size_t at = 0; at < sweep.size(); at += kBlock) {
    const size_t count = std::min(kBlock, sweep.size() - at);
    double sums[kBlock] = {};
    for (size_t i = 0; i < count; ++i) sums[i] = v[at + i + width - 1] - v[at + i];
    const double* next = lost.data() + at;
    for (uint32_t k = 1; k < width; ++k) {
      ++next;
      for (size_t i = 0; i < kBlock; ++i) sums[i] += next[i];
    }
    std::copy_n(sums, count, sweep.out.begin() + static_cast<ptrdiff_t>(at));
  }
}

template <Kind kKind>
void ExtrapolatedRate(const RangeSweep& sweep) {
  LayoutNotes own;
  LayoutNotes* const notes = sweep.notes == nullptr ? &own : sweep.notes;
  const Extrapolation<kKind> extrapolation(sweep, notes);
  const std::span<const double> v = sweep.values;
  const std::vector<uint32_t> resets =
      kKind == Kind::kDelta ? std::vector<uint32_t>() : FindResets(v);
  if (resets.empty() && notes->full) {
    for (size_t i = 0; i < sweep.size(); ++i) {
      const double first = v[sweep.lo[i]];
      sweep.out[i] = extrapolation.Scale(i, first, v[sweep.hi[i] - 1] - first);
    }
    return;
  }
  // Half as many resets in a window as additions is where one by one is slower.
  if (notes->full && notes->width > 0 && resets.size() * 4 > v.size()) {
    DenseDifferences(sweep, notes->width);
  } else {
    SparseDifferences(sweep, resets);
  }
  for (size_t i = 0; i < sweep.size(); ++i) {
    if (sweep.hi[i] < sweep.lo[i] + 2) continue;
    sweep.out[i] = extrapolation.Scale(i, v[sweep.lo[i]], sweep.out[i]);
  }
}

enum class Instant { kRate, kDelta };

template <Instant kKind>
void LastTwo(const RangeSweep& sweep) {
  for (size_t i = 0; i < sweep.size(); ++i) {
    const size_t hi = sweep.hi[i];
    if (hi < sweep.lo[i] + 2) continue;
    const double last = sweep.values[hi - 1];
    const double previous = sweep.values[hi - 2];
    if (kKind == Instant::kDelta) {
      sweep.out[i] = last - previous;
      continue;
    }
    // After a reset the counter went from zero to its value.
    const double increase = last < previous ? last : last - previous;
    sweep.out[i] =
        increase /
        (static_cast<double>(sweep.timestamps[hi - 1] - sweep.timestamps[hi - 2]) / 1000);
  }
}

bool IsChange(double previous, double v) {
  return v != previous && !(std::isnan(v) && std::isnan(previous));
}
bool IsReset(double previous, double v) { return v < previous; }

// How many neighbours in the window satisfy the predicate, by a running count.
template <bool (*kCounts)(double, double)>
void CountPairs(const RangeSweep& sweep) {
  const std::span<const double> v = sweep.values;
  std::vector<uint32_t> before(v.size(), 0);  // pairs that end at or before the index
  for (size_t i = 1; i < v.size(); ++i)
    before[i] = before[i - 1] + (kCounts(v[i - 1], v[i]) ? 1 : 0);
  for (size_t i = 0; i < sweep.size(); ++i) {
    if (sweep.lo[i] >= sweep.hi[i]) continue;
    sweep.out[i] = static_cast<double>(before[sweep.hi[i] - 1] - before[sweep.lo[i]]);
  }
}

struct Line {
  double slope;
  double intercept;
};

// Least squares with the intercept at the given time.
Line LinearRegression(const RangeWindow& window, TimestampMs intercept_time) {
  double n = 0;
  KahanSum x_sum;
  KahanSum y_sum;
  KahanSum xy_sum;
  KahanSum xx_sum;
  bool constant = true;
  for (size_t i = 0; i < window.size(); ++i) {
    const double y = window.values[i];
    if (i > 0 && y != window.values[0]) constant = false;
    n += 1;
    const double x = static_cast<double>(window.timestamps[i] - intercept_time) / 1e3;
    x_sum.Add(x);
    y_sum.Add(y);
    xy_sum.Add(x * y);
    xx_sum.Add(x * x);
  }
  if (constant) {
    if (std::isinf(window.values[0])) return {NormalNaN(), NormalNaN()};
    return {0, window.values[0]};
  }
  const double x = x_sum.sum + x_sum.c;
  const double y = y_sum.sum + y_sum.c;
  const double xy = xy_sum.sum + xy_sum.c;
  const double xx = xx_sum.sum + xx_sum.c;
  const double covariance = xy - x * y / n;
  const double variance = xx - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

std::optional<double> Deriv(const RangeWindow& window) {
  if (window.size() < 2) return std::nullopt;
  // Any time near the samples does; a far one costs accuracy.
  return LinearRegression(window, window.timestamps[0]).slope;
}

std::optional<double> PredictLinear(const RangeWindow& window) {
  if (window.size() < 2) return std::nullopt;
  const Line line = LinearRegression(window, window.eval_time);
  return line.slope * window.args[0] + line.intercept;
}

std::optional<double> DoubleExponentialSmoothing(const RangeWindow& window) {
  if (window.size() < 2) return std::nullopt;
  const double smoothing = window.args[0];
  const double trend_factor = window.args[1];
  double before = 0;
  double smoothed = window.values[0];
  double trend = window.values[1] - window.values[0];
  for (size_t i = 1; i < window.size(); ++i) {
    const double scaled = smoothing * window.values[i];
    if (i > 1) trend = trend_factor * (smoothed - before) + (1 - trend_factor) * trend;
    const double carried = (1 - smoothing) * (smoothed + trend);
    before = smoothed;
    smoothed = scaled + carried;
  }
  return smoothed;
}

constexpr FunctionRow kRateRows[] = {
    {.name = "rate",
     .args = {kMatrix},
     .kernel = ExtrapolatedRate<Kind::kRate>,
     .help = "Per-second increase of a counter over the range, extrapolated."},
    {.name = "irate",
     .args = {kMatrix},
     .kernel = LastTwo<Instant::kRate>,
     .help = "Per-second increase between the last two samples."},
    {.name = "increase",
     .args = {kMatrix},
     .kernel = ExtrapolatedRate<Kind::kIncrease>,
     .help = "Increase of a counter over the range, extrapolated."},
    {.name = "delta",
     .args = {kMatrix},
     .kernel = ExtrapolatedRate<Kind::kDelta>,
     .help = "Difference of a gauge over the range, extrapolated."},
    {.name = "idelta",
     .args = {kMatrix},
     .kernel = LastTwo<Instant::kDelta>,
     .help = "Difference between the last two samples."},
    {.name = "deriv",
     .args = {kMatrix},
     .kernel = Deriv,
     .help = "Per-second slope of a gauge by linear regression."},
    {.name = "predict_linear",
     .args = {kMatrix, kScalar},
     .kernel = PredictLinear,
     .help = "Value in so many seconds by linear regression."},
    {.name = "double_exponential_smoothing",
     .args = {kMatrix, kScalar, kScalar},
     .experimental = true,
     .kernel = DoubleExponentialSmoothing,
     .help = "Smoothed value, with smoothing and trend factor."},
    {.name = "changes",
     .args = {kMatrix},
     .kernel = CountPairs<IsChange>,
     .help = "How often the value changed in the range."},
    {.name = "resets",
     .args = {kMatrix},
     .kernel = CountPairs<IsReset>,
     .help = "How often the counter was reset in the range."},
};

}  // namespace

double ExtrapolationFactor(const RateEdges& edges, TimestampMs start, TimestampMs end,
                           double difference, RateKind kind) {
  const double sampled = static_cast<double>(edges.last - edges.first) / 1000;
  const double average = sampled / edges.gaps;
  const double threshold = average * 1.1;
  double to_start = static_cast<double>(edges.first - start) / 1000;
  double to_end = static_cast<double>(end - edges.last) / 1000;
  if (to_start >= threshold) to_start = average / 2;
  if (kind != RateKind::kDelta && difference > 0 && edges.first_value >= 0) {
    const double to_zero = sampled * (edges.first_value / difference);
    if (to_zero < to_start) to_start = to_zero;
  }
  if (to_end >= threshold) to_end = average / 2;
  return (sampled + to_start + to_end) / sampled;
}

double FactorFromZero(const RateEdges& edges, TimestampMs zero, TimestampMs end) {
  const double sampled = static_cast<double>(edges.last - zero) / 1000;
  double average = 0;
  if (edges.gaps > 0) average = static_cast<double>(edges.last - edges.first) / 1000 / edges.gaps;
  double to_end = static_cast<double>(end - edges.last) / 1000;
  if (to_end >= average * 1.1) to_end = average / 2;
  return (sampled + to_end) / sampled;
}

std::span<const FunctionRow> RateFunctions() { return kRateRows; }

}  // namespace vigil::promql
