// SPDX-License-Identifier: Apache-2.0
// The streaming range kernels against slow twins that look at every window on its own. Results
// must have the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "client-lib/model/float_text.h"
#include "server/promql/function_table.h"
#include "server/promql/range_window.h"
#include "server/promql/statistics.h"

namespace vigil::promql {
namespace {

struct Windows {
  std::vector<uint32_t> lo;
  std::vector<uint32_t> hi;
};

struct Series {
  std::vector<TimestampMs> timestamps;
  std::vector<double> values;
};

struct Layout {
  TimestampMs first_end;
  int64_t stride;
  int64_t range_ms;
  size_t count;
};

Windows Lay(const Series& series, const Layout& layout) {
  Windows windows;
  for (size_t i = 0; i < layout.count; ++i) {
    const TimestampMs end = layout.first_end + static_cast<int64_t>(i) * layout.stride;
    const auto index = [&](TimestampMs t) {
      return static_cast<uint32_t>(std::ranges::upper_bound(series.timestamps, t) -
                                   series.timestamps.begin());
    };
    windows.lo.push_back(index(end - layout.range_ms));
    windows.hi.push_back(index(end));
  }
  return windows;
}

std::vector<double> RunSweep(SweepFn kernel, const Series& series, const Windows& windows,
                             const Layout& layout, LayoutNotes* notes = nullptr) {
  std::vector<double> out(layout.count, StaleNaN());
  kernel({.timestamps = series.timestamps,
          .values = series.values,
          .lo = windows.lo,
          .hi = windows.hi,
          .first_end = layout.first_end,
          .stride = layout.stride,
          .range_ms = layout.range_ms,
          .first_eval = layout.first_end,
          .step = layout.stride,
          .out = out,
          .notes = notes});
  return out;
}

// The samples of window i as a series of their own, under a sweep of that one window.
double RunAlone(SweepFn kernel, const Series& series, const Windows& windows, const Layout& layout,
                size_t i) {
  Series cut;
  for (size_t s = windows.lo[i]; s < windows.hi[i]; ++s) {
    cut.timestamps.push_back(series.timestamps[s]);
    cut.values.push_back(series.values[s]);
  }
  Layout one = layout;
  one.first_end += static_cast<int64_t>(i) * layout.stride;
  one.count = 1;
  return RunSweep(kernel, cut, Lay(cut, one), one)[0];
}

enum class Shape { kCounter, kGauge, kWhole, kWild };

Series RandomSeries(std::mt19937_64& random, Shape shape, size_t size) {
  Series series;
  TimestampMs t = 0;
  double v = 0;
  const double kOdd[] = {std::nan(""), std::numeric_limits<double>::infinity(), -0.0, 1e300,
                         -std::numeric_limits<double>::infinity()};
  for (size_t i = 0; i < size; ++i) {
    t += 5000 + static_cast<int64_t>(random() % 20000);
    const double step = static_cast<double>(random() % 1000) / 7;
    switch (shape) {
      case Shape::kCounter:
        v = random() % 17 == 0 ? 0 : v + step;
        break;
      case Shape::kGauge:
        v = step - 70;
        break;
      case Shape::kWhole:
        v = static_cast<double>(random() % 100) - 50;
        break;
      case Shape::kWild:
        v = random() % 3 == 0 ? kOdd[random() % 5] : step;
        break;
    }
    series.timestamps.push_back(t);
    series.values.push_back(v);
  }
  return series;
}

const char* const kSweeps[] = {"rate",
                               "increase",
                               "delta",
                               "irate",
                               "idelta",
                               "changes",
                               "resets",
                               "sum_over_time",
                               "avg_over_time",
                               "count_over_time",
                               "min_over_time",
                               "max_over_time",
                               "last_over_time",
                               "first_over_time",
                               "present_over_time",
                               "ts_of_last_over_time",
                               "ts_of_first_over_time"};

SweepFn SweepOf(std::string_view name) {
  const FunctionRow* row = FindFunction(name);
  EXPECT_NE(row, nullptr) << name;
  return std::get<SweepFn>(row->kernel);
}

bool Same(double a, double b) {
  // A NaN is a NaN, but "no result" is only "no result".
  if (IsStaleNaN(a) || IsStaleNaN(b)) return IsStaleNaN(a) && IsStaleNaN(b);
  return SameBits(a, b) || (std::isnan(a) && std::isnan(b));
}

TEST(RangeKernels, SweepsGiveTheSameBitsAsEveryWindowAlone) {
  std::mt19937_64 random(42);
  for (const Shape shape : {Shape::kCounter, Shape::kGauge, Shape::kWhole, Shape::kWild}) {
    for (const Layout& layout :
         {Layout{100'000, 15'000, 300'000, 200}, Layout{0, 60'000, 60'000, 60},
          Layout{900'000, 0, 400'000, 4}, Layout{-50'000, 1'000, 7'000, 900}}) {
      const Series series = RandomSeries(random, shape, 250);
      const Windows windows = Lay(series, layout);
      for (const char* name : kSweeps) {
        const SweepFn kernel = SweepOf(name);
        const std::vector<double> got = RunSweep(kernel, series, windows, layout);
        for (size_t i = 0; i < layout.count; ++i) {
          const double want = RunAlone(kernel, series, windows, layout, i);
          ASSERT_TRUE(Same(got[i], want)) << name << " window " << i << ": " << FormatFloatG(got[i])
                                          << " instead of " << FormatFloatG(want);
        }
      }
    }
  }
}

// By the words of the documentation, sample by sample.
double SlowIncrease(const Series& series, size_t lo, size_t hi, TimestampMs start,
                    TimestampMs end) {
  if (hi < lo + 2) return StaleNaN();
  double difference = series.values[hi - 1] - series.values[lo];
  for (size_t i = lo + 1; i < hi; ++i) {
    if (series.values[i] < series.values[i - 1]) difference += series.values[i - 1];
  }
  const double sampled =
      static_cast<double>(series.timestamps[hi - 1] - series.timestamps[lo]) / 1000;
  const double average = sampled / static_cast<double>(hi - lo - 1);
  double left = static_cast<double>(series.timestamps[lo] - start) / 1000;
  double right = static_cast<double>(end - series.timestamps[hi - 1]) / 1000;
  if (left >= average * 1.1) left = average / 2;
  if (right >= average * 1.1) right = average / 2;
  if (difference > 0 && series.values[lo] >= 0) {
    left = std::min(left, sampled * (series.values[lo] / difference));
  }
  return difference * ((sampled + left + right) / sampled);
}

TEST(RangeKernels, IncreaseFollowsTheDocumentation) {
  std::mt19937_64 random(7);
  const Series series = RandomSeries(random, Shape::kCounter, 300);
  const Layout layout{60'000, 30'000, 240'000, 120};
  const Windows windows = Lay(series, layout);
  const std::vector<double> got = RunSweep(SweepOf("increase"), series, windows, layout);
  const std::vector<double> rate = RunSweep(SweepOf("rate"), series, windows, layout);
  for (size_t i = 0; i < layout.count; ++i) {
    const TimestampMs end = layout.first_end + static_cast<int64_t>(i) * layout.stride;
    const double want =
        SlowIncrease(series, windows.lo[i], windows.hi[i], end - layout.range_ms, end);
    ASSERT_EQ(IsStaleNaN(got[i]), IsStaleNaN(want)) << i;
    if (IsStaleNaN(want)) continue;
    EXPECT_DOUBLE_EQ(got[i], want) << i;
    EXPECT_NEAR(rate[i], want / 240, 1e-9 * std::fabs(want)) << i;
  }
}

// A scrape that never misses: all windows look the same, but for counters near zero. What is known
// of the layout goes on from series to series; gauges are reset all the time.
TEST(RangeKernels, RatesOfRegularSeriesFollowTheDocumentation) {
  std::mt19937_64 random(11);
  for (const Layout& layout :
       {Layout{45'000, 30'000, 120'000, 90}, Layout{300'000, 15'000, 300'000, 75},
        Layout{300'000, 15'000, 300'000, 250}}) {
    LayoutNotes notes;
    for (int round = 0; round < 40; ++round) {
      Series series;
      double value = round % 4 == 0 ? 0 : static_cast<double>(random() % 50);
      for (int i = 0; i < 200; ++i) {
        series.timestamps.push_back(i * 15'000 + 700);
        value = random() % 50 == 0 ? 0 : value + static_cast<double>(random() % 20) / 8;
        if (round % 3 == 1) value = static_cast<double>(random() % 2000) / 100;
        if (round % 3 == 1 && random() % 9 == 0) value = -0.0;
        series.values.push_back(value);
      }
      const Windows windows = Lay(series, layout);
      const std::vector<double> got =
          RunSweep(SweepOf("increase"), series, windows, layout, &notes);
      for (size_t i = 0; i < layout.count; ++i) {
        const TimestampMs end = layout.first_end + static_cast<int64_t>(i) * layout.stride;
        const double want =
            SlowIncrease(series, windows.lo[i], windows.hi[i], end - layout.range_ms, end);
        ASSERT_TRUE(Same(got[i], want)) << round << " window " << i << ": " << FormatFloatG(got[i])
                                        << " instead of " << FormatFloatG(want);
      }
    }
    EXPECT_TRUE(notes.known);
  }
}

TEST(RangeKernels, ExtremesAgreeWithASort) {
  std::mt19937_64 random(3);
  const Series series = RandomSeries(random, Shape::kGauge, 400);
  const Layout layout{60'000, 10'000, 200'000, 300};
  const Windows windows = Lay(series, layout);
  const std::vector<double> min = RunSweep(SweepOf("min_over_time"), series, windows, layout);
  const std::vector<double> max = RunSweep(SweepOf("max_over_time"), series, windows, layout);
  for (size_t i = 0; i < layout.count; ++i) {
    std::vector<double> values(series.values.begin() + windows.lo[i],
                               series.values.begin() + windows.hi[i]);
    if (values.empty()) {
      EXPECT_TRUE(IsStaleNaN(min[i]));
      continue;
    }
    std::ranges::sort(values);
    EXPECT_EQ(min[i], values.front());
    EXPECT_EQ(max[i], values.back());
  }
}

TEST(Statistics, KahanSumKeepsWhatPlainSummationLoses) {
  KahanSum sum;
  for (const double v : {1.0, 1e100, 1.0, -1e100}) sum.Add(v);
  EXPECT_EQ(sum.Total(), 2.0);
}

TEST(Statistics, MeanOfHugeValuesDoesNotOverflow) {
  const double huge = std::numeric_limits<double>::max();
  KahanMean mean;
  for (int i = 0; i < 3; ++i) mean.Add(huge);
  EXPECT_DOUBLE_EQ(mean.Mean(), huge);
}

TEST(Statistics, QuantileInterpolatesAndPutsNanFirst) {
  std::vector<double> values = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(Quantile(0.5, values), 2.5);
  EXPECT_DOUBLE_EQ(Quantile(0, values), 1);
  EXPECT_DOUBLE_EQ(Quantile(1, values), 4);
  EXPECT_EQ(Quantile(-1, values), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(Quantile(2, values), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Quantile(std::nan(""), values)));
  std::vector<double> with_nan = {1, std::nan(""), 5};
  EXPECT_TRUE(std::isnan(Quantile(0, with_nan)));
  EXPECT_DOUBLE_EQ(Quantile(0.5, with_nan), 1);
}

TEST(FunctionTable, IsSortedAndEveryFunctionHasAKernelAndHelp) {
  std::string_view last;
  for (const FunctionRow* row : AllFunctions()) {
    EXPECT_LT(last, row->name);
    last = row->name;
    EXPECT_FALSE(row->help.empty()) << row->name;
    EXPECT_FALSE(std::holds_alternative<std::monostate>(row->kernel)) << row->name;
    EXPECT_EQ(FindFunction(row->name), row);
  }
  EXPECT_EQ(FindFunction("no_such_function"), nullptr);
}

}  // namespace
}  // namespace vigil::promql
