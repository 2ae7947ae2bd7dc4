// SPDX-License-Identifier: Apache-2.0
// Queries over roll-ups: the same as over samples where that is promised, and what is said of it.
#include "tests/unit/server/promql/stand_ins/rig.h"

namespace vigil::promql {
namespace {

constexpr int64_t kFive = 5 * kMinute;
const Labels kCounter = Labels::Of({{"__name__", "x_total"}});

// A counter with resets, a sample every half minute, some of them on borders of buckets.
std::vector<double> CounterValues(size_t count) {
  std::mt19937_64 random(3);
  std::vector<double> values;
  double value = 10;
  for (size_t i = 0; i < count; ++i) {
    value = random() % 150 == 0 ? 1 : value + static_cast<double>(random() % 20) / 4;
    values.push_back(value);
  }
  return values;
}

class RollupQueryTest : public StandInTest {
 protected:
  // Two days, roll-ups of which the rows end every six hours.
  void SetUp() override {
    AddValues(kCounter, CounterValues(2 * 48 * 60), 30'000, 700);
    for (int i = 1; i < 8; ++i) rollups_.leaves.push_back(kOrigin + i * 6 * kHour);
    Open();
  }
  void Beside(int64_t width, TimestampMs until) {
    rollups_.width = width;
    rollups_.until = until;
  }
  // As PlanRollups has it: from a bucket and an hour before on.
  void Gone(int64_t width, TimestampMs until) {
    rollups_.gone = {{width, kOrigin - 2 * kHour, until}};
  }
  // The rise from the last sample of (from - reach, from], or the first behind it, to the last one
  // at or before `to`.
  double Rise(TimestampMs from, TimestampMs to, int64_t reach) {
    const SampleColumns& s = rollups_.samples.at(1);
    double rise = 0;
    for (size_t i = 1; i < s.size(); ++i) {
      const bool anchored = s.timestamps[i - 1] > from - reach;
      if (s.timestamps[i] > from && anchored && s.timestamps[i] <= to) {
        rise += storage::RiseOf(s.values[i - 1], s.values[i]);
      }
    }
    return rise;
  }

  const TimestampMs end_ = kOrigin + 48 * kHour;
};

void ExpectNear(const QueryResult& got, const QueryResult& want, double tolerance,
                const std::string& what) {
  const auto got_values = Values(got);
  const auto want_values = Values(want);
  ASSERT_EQ(got_values.size(), want_values.size()) << what;
  ASSERT_FALSE(want_values.empty()) << what;
  for (const auto& [labels, expected] : want_values) {
    const std::vector<double>& values = got_values.at(labels);
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(IsStaleNaN(values[k]), IsStaleNaN(expected[k])) << what << " step " << k;
      if (IsStaleNaN(expected[k])) continue;
      ASSERT_NEAR(values[k], expected[k], tolerance * std::fabs(expected[k]))
          << what << " step " << k;
    }
  }
}

TEST_F(RollupQueryTest, AlignedWindowsAreExact) {
  for (const int64_t width : {kFive, kHour}) {
    Beside(width, end_ - 6 * kHour);
    for (const std::string function :
         {"count_over_time", "present_over_time", "min_over_time", "max_over_time",
          "first_over_time", "last_over_time", "sum_over_time", "avg_over_time"}) {
      const std::string text = function + "(x_total[2h])";
      const bool sums = function == "sum_over_time" || function == "avg_over_time";
      const QueryResult got = Run(*store_, text, kOrigin + 3 * kHour, end_, kHour);
      ExpectNear(got, Run(*plain_, text, kOrigin + 3 * kHour, end_, kHour), sums ? 1e-14 : 0, text);
      ASSERT_EQ(got.infos.size(), 1U) << text;
      EXPECT_NE(got.infos[0].find(sums ? ": exact but for rounding" : ": exact"), std::string::npos)
          << got.infos[0];
    }
  }
  EXPECT_GT(store_->Stats().rollup_reads, 0U);
}

TEST_F(RollupQueryTest, TheInfoNamesResolutionAndSpan) {
  Beside(kHour, end_ - 6 * kHour);
  const QueryResult result =
      Run(*store_, "max_over_time(x_total[1h])", kOrigin + 2 * kHour, end_, kHour);
  ASSERT_EQ(result.infos.size(), 1U);
  EXPECT_EQ(result.infos[0],
            "PromQL info: roll-ups of 1h stand in for the samples from 2023-11-15T01:00:00.000Z to "
            "2023-11-16T18:00:00.000Z: exact (1:15)");
  EXPECT_TRUE(Run(*store_, "max_over_time(x_total[1h])", kOrigin + 2 * kHour, end_, kHour, 0)
                  .infos.empty());
}

TEST_F(RollupQueryTest, RatesCountFromTheSampleBefore) {
  Beside(kHour, end_ - 5 * kHour);
  const TimestampMs start = kOrigin + 3 * kHour;
  const auto increase = Values(Run(*store_, "increase(x_total[2h])", start, end_, kHour));
  const auto rate = Values(Run(*store_, "rate(x_total[2h])", start, end_, kHour));
  const auto plain = Values(Run(*plain_, "increase(x_total[2h])", start, end_, kHour));
  size_t steps = 0;
  for (size_t k = 0; k < plain.begin()->second.size(); ++k) {
    const TimestampMs t = start + static_cast<int64_t>(k) * kHour;
    const double got = increase.begin()->second[k];
    // Near what samples say: the windows differ by half a minute of slope.
    EXPECT_NEAR(got, plain.begin()->second[k], 0.01 * got);
    EXPECT_DOUBLE_EQ(rate.begin()->second[k], got / 7200);
    if (t - 2 * kHour >= end_ - 5 * kHour) {
      EXPECT_EQ(got, plain.begin()->second[k]);  // only samples
    } else {
      EXPECT_DOUBLE_EQ(got, Rise(t - 2 * kHour, t, kHour)) << k;
      ++steps;
    }
  }
  EXPECT_GT(steps, 30U);
  const QueryResult result = Run(*store_, "delta(x_total[2h])", start, end_, kHour);
  EXPECT_NE(result.infos.at(0).find("counted from the last sample before each window"),
            std::string::npos);
}

TEST_F(RollupQueryTest, ASingleWindowMayLieAnywhere) {
  Beside(kHour, end_ - 5 * kHour);
  for (const std::string function : {"count_over_time", "max_over_time", "sum_over_time",
                                     "increase", "rate", "delta", "last_over_time"}) {
    const std::string text = function + "(x_total[31h17m])";
    const TimestampMs at = end_ - 3 * kHour - 12'345;
    const QueryResult got = Run(*store_, text, at, at, 0);
    ExpectNear(got, Run(*plain_, text, at, at, 0), 1e-12, text);
    EXPECT_FALSE(got.infos.empty()) << text;
    EXPECT_LT(got.stats.samples_read, 600);
  }
}

TEST_F(RollupQueryTest, WindowsThatCutBucketsReadSamples) {
  Beside(kHour, end_ - 5 * kHour);
  for (const std::string text :
       {"max_over_time(x_total[90m])", "max_over_time(x_total[2h] offset 7m)",
        "quantile_over_time(0.5, x_total[2h])", "changes(x_total[2h])", "irate(x_total[2h])",
        "x_total", "timestamp(x_total)"}) {
    const QueryResult got = Run(*store_, text, kOrigin + 3 * kHour, end_, kHour);
    ExpectNear(got, Run(*plain_, text, kOrigin + 3 * kHour, end_, kHour), 0, text);
    EXPECT_TRUE(got.infos.empty()) << text;
  }
  const QueryResult shifted =
      Run(*store_, "max_over_time(x_total[2h])", kOrigin + 3 * kHour + 1, end_, kHour);
  EXPECT_TRUE(shifted.infos.empty());
  // Unless the parameter asks for them.
  const QueryResult asked =
      Run(*store_, "max_over_time(x_total[2h])", kOrigin + 3 * kHour + 1, end_, kHour, kHour);
  EXPECT_NE(asked.infos.at(0).find("windows are rounded to whole buckets"), std::string::npos);
}

TEST_F(RollupQueryTest, PlainSelectorsGetTheLastValueOfABucket) {
  Beside(kFive, end_ - 5 * kHour);
  const QueryResult got = Run(*store_, "sum(x_total)", kOrigin + 3 * kHour, end_, kHour);
  ExpectNear(got, Run(*plain_, "sum(x_total)", kOrigin + 3 * kHour, end_, kHour), 0, "x_total");
  ASSERT_EQ(got.infos.size(), 1U);
  EXPECT_NE(got.infos[0].find("roll-ups of 5m"), std::string::npos);
  EXPECT_NE(got.infos[0].find(": the last value of each bucket"), std::string::npos);
  EXPECT_LT(got.stats.samples_read, 2'000);
}

TEST_F(RollupQueryTest, WhereSamplesAreGoneRollupsAnswerEverything) {
  Gone(kHour, kOrigin + 36 * kHour);
  const SampleColumns& samples = rollups_.samples.at(1);
  const TimestampMs start = kOrigin + 10 * kHour + 20 * kMinute;
  // The last value of the bucket that ended before.
  const QueryResult last = Run(*store_, "x_total", start, start + 40 * kHour, 10 * kMinute);
  ASSERT_EQ(last.series.size(), 1U);
  for (size_t k = 0; k < 24 * 6; ++k) {
    const TimestampMs t = (start + static_cast<int64_t>(k) * 10 * kMinute) / kHour * kHour;
    EXPECT_EQ(last.series[0].values[k], samples.values[static_cast<size_t>((t - kOrigin) / 30'000)])
        << k;
  }
  EXPECT_NE(last.infos.at(0).find("the last value of the bucket before"), std::string::npos);
  // Windows shorter than a bucket, and unaligned ones: counts and increases to their length.
  EXPECT_DOUBLE_EQ(
      Run(*store_, "count_over_time(x_total[5m])", start, start, 0).series.at(0).values[0], 10);
  EXPECT_DOUBLE_EQ(
      Run(*store_, "count_over_time(x_total[3h])", start, start, 0).series.at(0).values[0], 360);
  EXPECT_DOUBLE_EQ(
      Run(*store_, "count_over_time(x_total[90m])", start, start, 0).series.at(0).values[0], 180);
  const double hour = Rise(kOrigin + 9 * kHour, kOrigin + 10 * kHour, kHour);
  EXPECT_DOUBLE_EQ(Run(*store_, "rate(x_total[5m])", start, start, 0).series.at(0).values[0],
                   hour / 3600);
  // Any other function sees one sample per bucket.
  const QueryResult changes = Run(*store_, "changes(x_total[5h])", start, start, 0);
  EXPECT_EQ(changes.series.at(0).values[0], 4);
  EXPECT_NE(changes.infos.at(0).find("one sample per bucket, its last"), std::string::npos);
  const QueryResult matrix = Run(*store_, "x_total[5h]", start, start, 0);
  EXPECT_EQ(matrix.series.at(0).values.size(), 5U);
  const QueryResult sub = Run(*store_, "max_over_time(x_total[4h:1h])", start, start, 0);
  EXPECT_EQ(sub.infos.size(), 1U);
  // Asked for samples only, there are none.
  EXPECT_TRUE(Run(*store_, "count_over_time(x_total[5h])", start, start, 0, kFive).infos.empty());
}

TEST_F(RollupQueryTest, DeletedBucketsAreLeftOut) {
  Gone(kHour, kOrigin + 36 * kHour);
  storage::Tombstone tombstone;
  tombstone.id = 1;
  tombstone.series = {1};
  tombstone.span = {kOrigin + 10 * kHour + 1, kOrigin + 11 * kHour + 1};
  store_->SetTombstones(std::make_shared<storage::Tombstones>(std::vector{tombstone}));
  const TimestampMs at = kOrigin + 13 * kHour;
  EXPECT_EQ(Run(*store_, "count_over_time(x_total[4h])", at, at, 0).series.at(0).values[0], 240);
}

TEST_F(RollupQueryTest, SeriesWithoutRollupsAreReadAsSamples) {
  AddValues(Labels::Of({{"__name__", "young"}}), std::vector<double>(100, 2), kMinute, 40,
            kOrigin + 30 * kHour);
  Open();
  rollups_.samples.erase(2);
  Beside(kHour, end_ - 2 * kHour);
  const std::string text = "last_over_time({__name__=~\"young|x_total\"}[2h])";
  const QueryResult got = Run(*store_, text, kOrigin + 3 * kHour, end_, kHour);
  EXPECT_EQ(got.series.size(), 2U);
  ExpectNear(got, Run(*plain_, text, kOrigin + 3 * kHour, end_, kHour), 0, text);
}

TEST_F(RollupQueryTest, GapsDoNotCountAsRises) {
  SampleColumns samples;
  samples.Add(kOrigin + kMinute, 0);
  samples.Add(kOrigin + 5 * kHour + kMinute, 1'000);
  samples.Add(kOrigin + 5 * kHour + 2 * kMinute, 1'010);
  samples.Add(kOrigin + 6 * kHour + 2 * kMinute, 1'030);
  Add(Labels::Of({{"__name__", "gap_total"}}), samples, {4});
  Open();
  Beside(kHour, end_);
  const auto at = [&](int hour, const std::string& range) {
    const TimestampMs t = kOrigin + hour * kHour;
    const QueryResult result =
        Run(*store_, "increase(gap_total[" + range + "])", t, t + kHour, kHour);
    return result.series.empty() ? -1 : result.series[0].values[0];
  };
  // The hour that begins in the gap counts from its first sample; a longer one spans the gap.
  EXPECT_EQ(at(6, "1h"), 10);
  EXPECT_EQ(at(7, "1h"), 20);
  EXPECT_EQ(at(7, "2h"), 30);
  EXPECT_EQ(at(7, "7h"), 1'030);
}

}  // namespace
}  // namespace vigil::promql
