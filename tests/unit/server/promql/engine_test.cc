// SPDX-License-Identifier: Apache-2.0
// What scripts cannot say: limits, deadlines, statistics, the shape of results. The language itself
// is tested by tests/scripts/promql.
#include "server/promql/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "client-lib/base/clock.h"
#include "client-lib/model/histogram_text.h"
#include "client-lib/model/sample.h"
#include "tests/support/memory_storage.h"

namespace vigil::promql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Labels Metric(std::string_view text) {
  Result<Labels> labels = ParseMetric(text);
  EXPECT_TRUE(labels.has_value()) << text;
  return labels ? *labels : Labels();
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    options_.parser = ParserOptions::EverythingOn();
    options_.clock = &clock_;
    for (int i = 0; i <= 20; ++i) {
      store_.Add(Metric(R"(up{job="a"})"), i * 30'000, i);
      store_.Add(Metric(R"(up{job="b"})"), i * 30'000, 2 * i);
    }
  }

  Result<QueryResult> Instant(std::string text, TimestampMs at) {
    QueryRequest request;
    request.text = std::move(text);
    request.start = request.end = at;
    return Engine(options_).Execute(store_, request);
  }
  Result<QueryResult> Range(std::string text, TimestampMs start, TimestampMs end, DurationMs step) {
    QueryRequest request;
    request.text = std::move(text);
    request.start = start;
    request.end = end;
    request.step_ms = step;
    return Engine(options_).Execute(store_, request);
  }

  tests::MemoryStorage store_;
  ManualClock clock_;
  EngineOptions options_;
};

TEST_F(EngineTest, InstantVectorHasOneValuePerSeries) {
  const auto result = Instant("up", 300'000);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->type, ValueType::kVector);
  EXPECT_EQ(result->timestamp, 300'000);
  ASSERT_EQ(result->series.size(), 2U);
  EXPECT_EQ(result->series[0].labels.Get("job"), "a");
  EXPECT_THAT(result->series[0].values, ElementsAre(10));
  EXPECT_THAT(result->series[1].values, ElementsAre(20));
}

// Bits of all values, histograms as text.
std::string Fingerprint(const QueryResult& result) {
  std::string text;
  for (const ResultSeries& series : result.series) {
    text += series.labels.ToString();
    for (const double v : series.values) text += " " + std::to_string(std::bit_cast<uint64_t>(v));
    for (const HistogramSample& h : series.histograms) text += " " + HistogramText(*h.histogram);
  }
  text += " read " + std::to_string(result.stats.samples_read) + " of " +
          std::to_string(result.stats.total_queryable_samples);
  for (const std::string& info : result.infos) text += info;
  return text;
}

TEST_F(EngineTest, HelpersChangeNothingButTime) {
  for (int n = 0; n < 150; ++n) {
    const Labels labels =
        Metric("many{n=\"" + std::to_string(n) + "\", g=\"" + std::to_string(n % 7) + "\"}");
    for (int i = 0; i <= 100; ++i) {
      const TimestampMs t = i * 15'000 + n % 3 * 1000;
      if (n % 40 == 5 && i > 50) {
        Histogram h;
        h.count = i;
        h.sum = n;
        store_.AddHistogram(labels, t, h);
      } else if (i % 30 != 7) {
        store_.Add(labels, t, i % 23 == 0 ? 0.1 * n : 0.37 * n * i);
      } else {
        store_.Add(labels, t, StaleNaN());
      }
    }
  }
  for (const char* query : {"sum by (g) (rate(many[2m]))", "max_over_time(many[5m])",
                            "deriv(many[3m] offset 1m)", "sum(increase(many[1m]))",
                            "quantile_over_time(0.5, many[5m])", "count_over_time(many[9m])"}) {
    options_.helper_threads = 0;
    const auto alone = Range(query, 0, 1'500'000, 5'000);
    ASSERT_TRUE(alone.has_value()) << alone.error().message;
    options_.helper_threads = 3;
    const auto helped = Range(query, 0, 1'500'000, 5'000);
    ASSERT_TRUE(helped.has_value()) << helped.error().message;
    EXPECT_EQ(Fingerprint(*alone), Fingerprint(*helped)) << query;
  }
}

TEST_F(EngineTest, RangeResultSharesItsTimestampsAndMarksGaps) {
  const auto result = Range("up{job='a'} > 3", 0, 300'000, 60'000);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->type, ValueType::kMatrix);
  ASSERT_EQ(result->series.size(), 1U);
  EXPECT_THAT(result->series[0].timestamps,
              ElementsAre(0, 60'000, 120'000, 180'000, 240'000, 300'000));
  const auto values = result->series[0].values;
  EXPECT_TRUE(IsStaleNaN(values[0]) && IsStaleNaN(values[1]));
  EXPECT_EQ(values[2], 4);
  EXPECT_EQ(values[5], 10);
}

TEST_F(EngineTest, RangeVectorHasTheTimesOfItsSamplesAndIsLeftOpen) {
  const auto result = Instant("up{job='a'}[1m]", 120'000);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->type, ValueType::kMatrix);
  ASSERT_EQ(result->series.size(), 1U);
  EXPECT_THAT(result->series[0].timestamps, ElementsAre(90'000, 120'000));
  EXPECT_THAT(result->series[0].values, ElementsAre(3, 4));
}

TEST_F(EngineTest, ScalarsAndStringsKeepTheirType) {
  const auto scalar = Instant("1 + 2", 5'000);
  ASSERT_TRUE(scalar.has_value());
  EXPECT_EQ(scalar->type, ValueType::kScalar);
  EXPECT_EQ(scalar->scalar, 3);
  const auto text = Instant("'hello'", 5'000);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->type, ValueType::kString);
  EXPECT_EQ(text->text, "hello");
  const auto range = Range("time()", 0, 20'000, 10'000);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->type, ValueType::kMatrix);
  EXPECT_THAT(range->series[0].values, ElementsAre(0, 10, 20));
}

TEST_F(EngineTest, RefusesRangeQueriesOfTheWrongTypeOrTime) {
  const auto matrix = Range("up[5m]", 0, 60'000, 10'000);
  ASSERT_FALSE(matrix.has_value());
  EXPECT_EQ(matrix.error().kind, ErrorKind::kBadData);
  EXPECT_THAT(matrix.error().message,
              HasSubstr("invalid expression type \"range vector\" for range query"));
  EXPECT_FALSE(Range("up", 60'000, 0, 10'000).has_value());
  EXPECT_FALSE(Range("up", 0, 60'000, -10'000).has_value());
}

TEST_F(EngineTest, ParseErrorsAreBadData) {
  const auto result = Instant("up{", 0);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kBadData);
  EXPECT_THAT(result.error().message, HasSubstr("parse error"));
}

TEST_F(EngineTest, TooManySamplesIsAnExecutionError) {
  options_.max_samples = 10;
  const auto result = Range("up", 0, 300'000, 30'000);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kExecution);
  EXPECT_EQ(result.error().message,
            "query processing would load too many samples into memory in query execution");
  EXPECT_TRUE(Instant("up", 300'000).has_value());
}

TEST_F(EngineTest, SubqueryOverAgesDoesNotTakeMemory) {
  const auto result = Instant("max_over_time(up[100y:1ms])", 300'000);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("too many samples"));
}

TEST_F(EngineTest, StopsWhenAskedTo) {
  std::stop_source source;
  source.request_stop();
  QueryRequest request;
  request.text = "up";
  request.stop = source.get_token();
  const auto result = Engine(options_).Execute(store_, request);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kCanceled);
}

// A store that takes a minute for every selector.
class SlowStorage : public tests::MemoryStorage {
 public:
  explicit SlowStorage(ManualClock* clock) : clock_(clock) {}
  Result<std::unique_ptr<storage::SeriesSet>> Select(
      const std::vector<Matcher>& matchers, const storage::SelectHints& hints) const override {
    clock_->Advance(60'000);
    return tests::MemoryStorage::Select(matchers, hints);
  }

 private:
  ManualClock* clock_;
};

TEST_F(EngineTest, TimesOut) {
  SlowStorage slow(&clock_);
  for (int i = 0; i < 40; ++i) slow.Add(Labels::Of({{"i", std::to_string(i)}}), 0, 1);
  QueryRequest request;
  request.text = "{i=~'.+'}";
  request.timeout_ms = 30'000;
  const auto result = Engine(options_).Execute(slow, request);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(result.error().message, "query timed out in expression evaluation");
  request.timeout_ms = 0;
  EXPECT_TRUE(Engine(options_).Execute(slow, request).has_value());
}

TEST_F(EngineTest, CountsSamplesPerStep) {
  const auto result = Range("sum(rate(up[2m]))", 120'000, 240'000, 60'000);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->stats.total_queryable_samples_per_step, ElementsAre(8, 8, 8));
  EXPECT_EQ(result->stats.total_queryable_samples, 24);
  EXPECT_GT(result->stats.peak_samples, 0);
}

TEST_F(EngineTest, DropsNamesAtOnceUnlessToldOtherwise) {
  store_.Add(Metric(R"(down{job="a"})"), 0, 1);
  const std::string query = R"q(label_replace(-{job="a"}, "n", "$1", "__name__", "(.*)"))q";
  const auto now = Instant(query, 0);
  ASSERT_FALSE(now.has_value());
  EXPECT_EQ(now.error().message, "vector cannot contain metrics with the same labelset");
  options_.delayed_name_removal = true;
  const auto late = Instant(query, 0);
  ASSERT_TRUE(late.has_value()) << late.error().message;
  EXPECT_EQ(late->series.size(), 2U);
}

// An aggregation takes series with their names, and they are still told apart without them.
TEST_F(EngineTest, FindsEqualSeriesBelowAnAggregation) {
  for (const char* name : {"a", "b"}) {
    store_.Add(Labels::Of({{"__name__", name}, {"n", name}}), 0, 1);
    store_.Add(Labels::Of({{"__name__", name}, {"n", name}}), 60'000, 3);
  }
  const std::string query = "sum by (m) (increase({__name__=~'a|b|c'}[2m]))";
  const auto apart = Instant(query, 60'000);
  ASSERT_TRUE(apart.has_value()) << apart.error().message;
  ASSERT_EQ(apart->series.size(), 1U);
  store_.Add(Labels::Of({{"__name__", "c"}, {"n", "b"}}), 0, 1);
  store_.Add(Labels::Of({{"__name__", "c"}, {"n", "b"}}), 60'000, 3);
  const auto same = Instant(query, 60'000);
  ASSERT_FALSE(same.has_value());
  EXPECT_EQ(same.error().message, "vector cannot contain metrics with the same labelset");
}

TEST_F(EngineTest, MergesSeriesThatNeverMeet) {
  store_.Clear();
  store_.Add(Metric("x1"), 0, 1);
  store_.Add(Metric("x1"), 60'000, StaleNaN());
  store_.Add(Metric("x2"), 60'000, 4);
  const auto result = Range("abs({__name__=~'x.'})", 0, 60'000, 60'000);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  ASSERT_EQ(result->series.size(), 1U);
  EXPECT_THAT(result->series[0].values, ElementsAre(1, 4));
  // Functions over ranges do not merge.
  EXPECT_FALSE(Range("count_over_time({__name__=~'x.'}[1m])", 0, 60'000, 60'000).has_value());
}

TEST_F(EngineTest, AnnotationsCarryTheirPosition) {
  const auto result = Instant("sum(rate(up[5m])) + \n quantile(2, up)", 300'000);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_THAT(result->infos,
              ElementsAre("PromQL info: metric might not be a counter, name does not end in "
                          "_total/_sum/_count/_bucket: \"up\" (1:10)"));
  EXPECT_THAT(
      result->warnings,
      ElementsAre("PromQL warning: quantile value should be between 0 and 1, got 2 (2:11)"));
}

TEST_F(EngineTest, SurvivesTimesAtTheEndsOfTheWorld) {
  for (const TimestampMs at : {INT64_MIN, INT64_MAX}) {
    EXPECT_TRUE(Instant("up offset 1y", at).has_value());
    EXPECT_TRUE(Instant("rate(up[1y:1w])", at).has_value());
  }
}

}  // namespace
}  // namespace vigil::promql
