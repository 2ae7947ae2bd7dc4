// SPDX-License-Identifier: Apache-2.0
#include "server/promql/series_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/model/float_text.h"
#include "client-lib/model/histogram_text.h"
#include "client-lib/model/sample.h"

namespace vigil::promql {
namespace {

// The values as words: numbers, _, stale, histogram.
std::string ValuesOf(std::string_view line) {
  const Result<SeriesLine> series = ParseSeriesLine(line);
  if (!series) return "error: " + series.error().message;
  std::string text;
  for (const SeriesValue& value : series->values) {
    if (!text.empty()) text += ' ';
    if (value.kind == SeriesValue::Kind::kOmitted) {
      text += '_';
    } else if (value.kind == SeriesValue::Kind::kHistogram) {
      text += "histogram";
    } else {
      text += IsStaleNaN(value.value) ? "stale" : FormatFloatG(value.value);
    }
  }
  return text;
}

TEST(SeriesLine, ExpandsRepetitions) {
  EXPECT_EQ(ValuesOf("a 1 2.5 -3 +4"), "1 2.5 -3 4");
  EXPECT_EQ(ValuesOf("a 1x3"), "1 1 1 1");
  EXPECT_EQ(ValuesOf("a 1+2x3"), "1 3 5 7");
  EXPECT_EQ(ValuesOf("a -1-2x2"), "-1 -3 -5");
  EXPECT_EQ(ValuesOf("a 1e3+1e-1x1"), "1000 1000.1");
  EXPECT_EQ(ValuesOf("a 0x0"), "0");
}

TEST(SeriesLine, KnowsGapsAndMarkers) {
  EXPECT_EQ(ValuesOf("a _ 1 _x3 stale"), "_ 1 _ _ _ stale");
  EXPECT_EQ(ValuesOf("a NaN Inf -inf +Inf nan"), "NaN +Inf -Inf +Inf NaN");
  EXPECT_EQ(ValuesOf("a Infx1"), "+Inf +Inf");
  EXPECT_EQ(ValuesOf("a"), "");
}

TEST(SeriesLine, ReadsHistograms) {
  EXPECT_EQ(ValuesOf("a {{schema:0 sum:1 buckets:[1 2]}} 1 {{}}x2"),
            "histogram 1 histogram histogram histogram");
  EXPECT_EQ(ValuesOf("a {{count:1}}+{{count:2}}x1"), "histogram histogram");
  const auto series = ParseSeriesLine(
      "a {{schema:1 sum:-Inf count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 2] offset:-1 "
      "n_buckets:[3] n_offset:2 counter_reset_hint:gauge}} {{schema:-53 custom_values:[5 10]}}");
  ASSERT_TRUE(series.has_value()) << series.error().message;
  EXPECT_EQ(HistogramTestText(*series->values[0].histogram),
            "{{schema:1 count:4 sum:-Inf z_bucket:1 z_bucket_w:0.5 counter_reset_hint:gauge "
            "offset:-1 buckets:[1 2] n_offset:2 n_buckets:[3]}}");
  EXPECT_TRUE(series->values[0].hint_set);
  EXPECT_EQ(HistogramTestText(*series->values[1].histogram), "{{schema:-53 custom_values:[5 10]}}");
  EXPECT_FALSE(series->values[1].hint_set);
}

TEST(SeriesLine, AddsUpHistograms) {
  const auto up = ParseSeriesLine("a {{count:1 buckets:[1]}}+{{count:2 buckets:[2] offset:1}}x2");
  ASSERT_EQ(up->values.size(), 3U);
  EXPECT_EQ(HistogramTestText(*up->values[2].histogram), "{{count:5 buckets:[1 4]}}");
  const auto down = ParseSeriesLine("a {{count:5}}-{{count:2}}x1");
  EXPECT_EQ(HistogramTestText(*down->values[1].histogram), "{{count:3}}");
  EXPECT_EQ(ValuesOf("a {{}}+{{schema:-53}}x1"),
            "error: histograms of different kinds cannot be added up");
}

TEST(SeriesLine, RefusesBrokenHistograms) {
  EXPECT_EQ(ValuesOf("a {{count:1"), "error: histogram description has no end");
  EXPECT_EQ(ValuesOf("a {{count:x}}"), "error: \"x\" in a histogram is no number");
  EXPECT_EQ(ValuesOf("a {{schema:1.5}}"), "error: \"1.5\" in a histogram is no small integer");
  const std::string no_schema =
      "error: histogram has an invalid schema, which must be between -4 and 8 for exponential "
      "buckets, or -53 for custom buckets, got schema ";
  EXPECT_EQ(ValuesOf("a {{schema:-563 buckets:[0 2 3]}}+{{schema:-6 buckets:[1]}}x2"),
            no_schema + "-563");
  EXPECT_EQ(ValuesOf("a {{}}+{{schema:-9 buckets:[1]}}x2"), no_schema + "-9");
  EXPECT_EQ(ValuesOf("a {{schema:53}}"), no_schema + "53");
  EXPECT_EQ(ValuesOf("a {{buckets:[1 2}}"), "error: list in a histogram has no end");
  EXPECT_EQ(ValuesOf("a {{buckets:1}}"), "error: expected a list like [1 2 3], got \"1\"");
  EXPECT_EQ(ValuesOf("a {{size:1}}"), "error: \"size\" is no part of a histogram");
  EXPECT_EQ(ValuesOf("a {{counter_reset_hint:x}}"), "error: \"x\" is no counter reset hint");
}

TEST(SeriesLine, TakesTheMetricAsItStands) {
  const auto series = ParseSeriesLine("up{job=\"a } b\", x='{'} 1");
  ASSERT_TRUE(series.has_value());
  EXPECT_EQ(series->labels, Labels::Of({{"__name__", "up"}, {"job", "a } b"}, {"x", "{"}}));
  EXPECT_EQ(ParseSeriesLine("{} 1")->labels, Labels());
}

TEST(SeriesLine, ReadsStartTimestamps) {
  const auto series = ParseSeriesLine("up{a=\"b\"}@st -1mx1 _ _x2 0s 5s-1sx2 -1m30s");
  ASSERT_TRUE(series.has_value()) << series.error().message;
  EXPECT_TRUE(series->start_timestamps);
  EXPECT_TRUE(series->values.empty());
  const std::vector<std::optional<DurationMs>> expected = {-60'000, -60'000, {},    {},    {},
                                                           0,       5'000,   4'000, 3'000, -90'000};
  EXPECT_EQ(series->starts, expected);
  EXPECT_FALSE(ParseSeriesLine("a@st 1y2").has_value());
  EXPECT_FALSE(ParseSeriesLine("a@st 1s+1s").has_value());
  EXPECT_FALSE(ParseSeriesLine("a@st _x").has_value());
}

// Texts and columns are upstream's.
TEST(SeriesLine, RefusesGarbage) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"up 1 b",
       R"(6: parse error: unexpected identifier "b" in series values, expected number or "stale")"},
      {"up 1y", R"(4: parse error: bad number syntax: "1")"},
      {"up 1 2x", "8: parse error: unexpected end of input in series values"},
      {"up 1+x3", R"(6: parse error: unexpected "x" in series values)"},
      {"up 1 + 2", R"(7: parse error: unexpected " " in series values)"},
      {"up 1+", "6: parse error: unexpected end of input in series values"},
      {"up 1+2", "7: parse error: unexpected end of input in series values"},
      {"up _ x3", R"(6: parse error: unexpected "x")"},
      {"up 1x3+2", "7: parse error: unexpected <op:+>"},
      {"up 1,2", "5: parse error: unexpected character in series sequence: ','"},
      {"up 1 é", "6: parse error: unexpected character in series sequence: 'é'"},
      {"up 1x-3", "6: parse error: unexpected <op:-> in series values"},
      {"up[5m] 1", "3: parse error: unexpected character in series sequence: '['"},
      {"a-b 1", "2: parse error: unexpected <op:-> in series values"},
      {"1 2", "1: parse error: unexpected number \"1\" in series values"},
      {"up __", R"(5: parse error: unexpected "_")"},
      {"up --1", "5: parse error: unexpected <op:-> in series values"},
      {"up stalefoo",
       R"(4: parse error: unexpected identifier "stalefoo" in series values, expected number or "stale")"},
      {"up 1.2.3", R"(4: parse error: bad number syntax: "1.2.3")"},
      {"up 1x1.5", R"(6: parse error: invalid repetition in series values: "1.5": invalid syntax)"},
      {"up 1x9999999",
       R"(6: parse error: invalid repetition in series values: "9999999": too many)"},
  };
  for (const auto& [line, error] : cases) {
    EXPECT_EQ(ValuesOf(line), "error: 1:" + std::string(error)) << line;
  }
  EXPECT_EQ(ValuesOf("a {{sum:1"), "error: histogram description has no end");
  EXPECT_TRUE(ValuesOf("a{ 1").starts_with("error: 1:")) << ValuesOf("a{ 1");
}

TEST(SeriesLine, ReadsOneHistogram) {
  EXPECT_EQ(HistogramTestText(**ParseHistogramValue("{{count:3 buckets:[1 2]}}")),
            "{{count:3 buckets:[1 2]}}");
  EXPECT_EQ(ParseHistogramValue("{{}}x1").error().message, "expected 1 value, got 2");
  EXPECT_EQ(ParseHistogramValue("5").error().message, "expected a histogram, got \"5\"");
}

}  // namespace
}  // namespace vigil::promql
