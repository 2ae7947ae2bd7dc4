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

// How often the counter fell.
size_t CountResets(std::span<const double> values) {
  return values.empty() ? 0 : CountFalls(values.data(), 1, values.size());
}

// Where the counter fell: indexes i with values[i] < values[i - 1].
std::vector<uint32_t> FindResets(std::span<const double> values, size_t count) {
  constexpr size_t kStride = 256;
  std::vector<uint32_t> resets;
  resets.reserve(count);
  for (size_t from = 1; from < values.size() && resets.size() < count; from += kStride) {
    const size_t to = std::min(from + kStride, values.size());
    if (CountFalls(values.data(), from, to) == 0) continue;
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

  // The same for all windows. Differences are in the sweep's output, or last less first value.
  // REQUIRES: every window has at least two samples.
  template <bool kGiven>
  void ScaleAll() const {
    constexpr size_t kBlock = 64;
    const size_t n = sweep_.size();
    for (size_t begin = 0; begin < n; begin += kBlock) {
      const size_t end = std::min(begin + kBlock, n);
      const size_t even = begin + (end - begin) / 2 * 2;
      if constexpr (kGiven) {
        AnyReachesZero(begin, even) ? ScaleEach(begin, even) : Multiply(begin, even);
      } else {
        if (!SubtractAndMultiply(begin, even)) {
          Subtract(begin, even);
          ScaleEach(begin, even);
        }
        Subtract(even, end);
      }
      ScaleEach(even, end);
    }
  }

 private:
  // All that a window's factor depends on, but for the values.
  struct Shape {
    int64_t to_start = 0;
    int64_t sampled = 0;
    int64_t to_end = 0;
    size_t samples = 0;
    bool operator==(const Shape&) const = default;
  };

  void Prepare() {
    const size_t n = sweep_.size();
    Shape before;  // and what it gave
    double factor = 0;
    double limit = 0;
    notes_.known = true;
    notes_.full = true;
    notes_.width = n < 2 ? 0 : sweep_.hi[0] - sweep_.lo[0];
    notes_.stride = n < 2 ? 0 : sweep_.lo[1] - sweep_.lo[0];
    notes_.factor.resize(n);
    notes_.limit.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const size_t lo = sweep_.lo[i];
      const size_t hi = sweep_.hi[i];
      if (hi - lo != notes_.width || lo != sweep_.lo[0] + i * notes_.stride) {
        notes_.width = notes_.stride = 0;
      }
      if (hi < lo + 2) {
        notes_.full = false;
        continue;
      }
      const TimestampMs first = sweep_.timestamps[lo];
      const TimestampMs last = sweep_.timestamps[hi - 1];
      const Shape shape{first - sweep_.window_start(i), last - first, sweep_.window_end(i) - last,
                        hi - lo};
      if (shape != before) {  // seldom, so that next to nothing is divided
        before = shape;
        factor = FactorOf(i, 0, 0);
        limit =
            static_cast<double>(shape.to_start) * (1 + 1e-9) / static_cast<double>(shape.sampled);
      }
      notes_.factor[i] = factor;
      notes_.limit[i] = limit;
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
  // margin in the limit is far above what rounding does, but of tiny differences.
  [[nodiscard]] bool ReachesZero(size_t i, double first_value, double difference) const {
    const bool safe = (difference >= kTiny) & (first_value > notes_.limit[i] * difference);
    return (difference > 0) & (first_value >= 0) & !safe;
  }
  // Whether any of many windows, two at a time; true in doubt. It is nearly never so.
  struct ZeroCheck {
    TwoMasks safe = {0, 0};
    TwoMasks tiny = {0, 0};

    void Look(TwoDoubles first, TwoDoubles difference, TwoDoubles limit) {
      constexpr TwoDoubles kTwoTiny = {kTiny, kTiny};
      constexpr TwoDoubles kZero = {0, 0};
      safe -= first >= limit * difference;
      tiny -= difference < kTwoTiny;
      tiny += difference <= kZero;
    }
    [[nodiscard]] bool AnyReachesZero(size_t windows) const {
      return static_cast<size_t>(safe[0] + safe[1]) != windows || tiny[0] + tiny[1] != 0;
    }
  };

  // Of windows [begin, end), an even number.
  [[nodiscard]] bool AnyReachesZero(size_t begin, size_t end) const {
    if (kKind == Kind::kDelta) return false;
    const double* const v = sweep_.values.data();
    const uint32_t* const lo = sweep_.lo.data();
    const double* const differences = sweep_.out.data();
    const double* const limits = notes_.limit.data();
    ZeroCheck check;
    for (size_t i = begin; i < end; i += 2) {
      check.Look(TwoOf(v[lo[i]], v[lo[i + 1]]), LoadTwo(differences + i), LoadTwo(limits + i));
    }
    return check.AnyReachesZero(end - begin);
  }

  // First and last values of the windows i and i + 1, which lie anywhere, or one as far behind the
  // other as all do.
  struct Scattered {
    const double* v;
    const uint32_t* lo;
    const uint32_t* hi;
    [[nodiscard]] TwoDoubles First(size_t i) const { return TwoOf(v[lo[i]], v[lo[i + 1]]); }
    [[nodiscard]] TwoDoubles Last(size_t i) const { return TwoOf(v[hi[i] - 1], v[hi[i + 1] - 1]); }
  };
  struct Regular {
    const double* first;
    const double* last;
    size_t stride;
    [[nodiscard]] TwoDoubles First(size_t i) const { return Two(first + i * stride); }
    [[nodiscard]] TwoDoubles Last(size_t i) const { return Two(last + i * stride); }
    [[nodiscard]] TwoDoubles Two(const double* at) const { return TwoOf(at[0], at[stride]); }
  };

  // Scales the differences of windows [begin, end), an even number; false when any of them has to
  // be limited.
  [[nodiscard]] bool SubtractAndMultiply(size_t begin, size_t end) const {
    const double* const v = sweep_.values.data();
    if (notes_.stride == 0) {
      return ScalePairs(Scattered{v, sweep_.lo.data(), sweep_.hi.data()}, begin, end);
    }
    const double* const first = v + sweep_.lo[0];
    return ScalePairs(Regular{first, first + notes_.width - 1, notes_.stride}, begin, end);
  }
  template <typename Pairs>
  [[nodiscard]] bool ScalePairs(const Pairs& pairs, size_t begin, size_t end) const {
    double* const out = sweep_.out.data();
    const double* const factors = notes_.factor.data();
    const double* const limits = notes_.limit.data();
    ZeroCheck check;
    for (size_t i = begin; i < end; i += 2) {
      const TwoDoubles first = pairs.First(i);
      const TwoDoubles difference = pairs.Last(i) - first;
      if constexpr (kKind != Kind::kDelta) check.Look(first, difference, LoadTwo(limits + i));
      StoreTwo(difference * LoadTwo(factors + i), out + i);
    }
    return kKind == Kind::kDelta || !check.AnyReachesZero(end - begin);
  }

  void Subtract(size_t begin, size_t end) const {
    const double* const v = sweep_.values.data();
    const uint32_t* const lo = sweep_.lo.data();
    const uint32_t* const hi = sweep_.hi.data();
    double* const out = sweep_.out.data();
    for (size_t i = begin; i < end; ++i) out[i] = v[hi[i] - 1] - v[lo[i]];
  }
  void Multiply(size_t begin, size_t end) const {
    double* const out = sweep_.out.data();
    const double* const factors = notes_.factor.data();
    for (size_t i = begin; i < end; i += 2)
      StoreTwo(LoadTwo(out + i) * LoadTwo(factors + i), out + i);
  }
  void ScaleEach(size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      sweep_.out[i] = Scale(i, sweep_.values[sweep_.lo[i]], sweep_.out[i]);
    }
  }

  static constexpr double kTiny = 1e-280;  // a product with a limit has all its digits

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

// Sixteen sums of as many neighbours each, side by side: sum i is of values[i], values[i + 1] ...
// A number for each register, so that they stay there.
struct SixteenSums {
  TwoDoubles a, b, c, d, e, f, g, h;

  explicit SixteenSums(const double* from)
      : a(LoadTwo(from)),
        b(LoadTwo(from + 2)),
        c(LoadTwo(from + 4)),
        d(LoadTwo(from + 6)),
        e(LoadTwo(from + 8)),
        f(LoadTwo(from + 10)),
        g(LoadTwo(from + 12)),
        h(LoadTwo(from + 14)) {}
  void Add(const double* values) {
    a += LoadTwo(values);
    b += LoadTwo(values + 2);
    c += LoadTwo(values + 4);
    d += LoadTwo(values + 6);
    e += LoadTwo(values + 8);
    f += LoadTwo(values + 10);
    g += LoadTwo(values + 12);
    h += LoadTwo(values + 14);
  }
  void Store(double* to) const {
    StoreTwo(a, to);
    StoreTwo(b, to + 2);
    StoreTwo(c, to + 4);
    StoreTwo(d, to + 6);
    StoreTwo(e, to + 8);
    StoreTwo(f, to + 10);
    StoreTwo(g, to + 12);
    StoreTwo(h, to + 14);
  }
};

// lost[i]: what the counter lost from value i - 1 to value i; -0 where it did not fall.
void FindLosses(std::span<const double> v, std::span<double> lost) {
  constexpr TwoDoubles kNothing = {-0.0, -0.0};
  lost[0] = -0.0;
  size_t i = 1;
  for (; i + 2 <= v.size(); i += 2) {
    const TwoDoubles before = LoadTwo(&v[i - 1]);
    StoreTwo(Chosen(LoadTwo(&v[i]) < before, before, kNothing), &lost[i]);
  }
  for (; i < v.size(); ++i) lost[i] = v[i] < v[i - 1] ? v[i - 1] : -0.0;
}

// The same as SparseDifferences() for gauges taken for counters, which are reset all the time: the
// sums of many windows side by side. Adding -0 changes nothing, so that every sample can be added.
// REQUIRES: window i is [lo[0] + i, lo[0] + i + width).
void DenseDifferences(const RangeSweep& sweep, uint32_t width, std::vector<double>* lost) {
  constexpr size_t kBlock = 16;
  const size_t windows = sweep.size();
  const double* const v = sweep.values.data() + sweep.lo[0];
  const size_t n = windows + width - 1;
  lost->resize(n + kBlock);
  FindLosses({v, n}, *lost);
  double* const out = sweep.out.data();
  for (size_t i = 0; i < windows; ++i) out[i] = v[i + width - 1] - v[i];
  size_t at = 0;
  for (; at + kBlock <= windows; at += kBlock) {
    SixteenSums sums(out + at);
    for (uint32_t k = 1; k < width; ++k) sums.Add(lost->data() + at + k);
    sums.Store(out + at);
  }
  for (; at < windows; ++at) {
    for (uint32_t k = 1; k < width; ++k) out[at] += (*lost)[at + k];
  }
}

template <Kind kKind>
void ExtrapolatedRate(const RangeSweep& sweep) {
  LayoutNotes own;
  LayoutNotes* const notes = sweep.notes == nullptr ? &own : sweep.notes;
  const Extrapolation<kKind> extrapolation(sweep, notes);
  const std::span<const double> v = sweep.values;
  const size_t resets = kKind == Kind::kDelta ? 0 : CountResets(v);
  if (resets == 0 && notes->full) return extrapolation.template ScaleAll<false>();
  // Half as many resets in a window as additions is where one by one is slower.
  if (notes->full && notes->stride == 1 && resets * 4 > v.size()) {
    DenseDifferences(sweep, notes->width, &notes->scratch);
  } else {
    SparseDifferences(sweep, FindResets(v, resets));
  }
  if (notes->full) return extrapolation.template ScaleAll<true>();
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
