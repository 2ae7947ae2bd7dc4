// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/series_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/float_text.h"
#include "client-lib/model/sample.h"

namespace vigil::tests {
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

TEST(SeriesLine, RecognisesHistograms) {
  EXPECT_EQ(ValuesOf("a {{schema:0 sum:1 buckets:[1 2]}} 1 {{}}x2"),
            "histogram 1 histogram histogram histogram");
  EXPECT_EQ(ValuesOf("a {{count:1}}+{{count:2}}x1"), "histogram histogram");
  EXPECT_TRUE(ParseSeriesLine("a {{}}")->HasHistograms());
  EXPECT_FALSE(ParseSeriesLine("a 1")->HasHistograms());
}

TEST(SeriesLine, TakesTheMetricAsItStands) {
  const auto series = ParseSeriesLine("up{job=\"a } b\", x='{'} 1");
  ASSERT_TRUE(series.has_value());
  EXPECT_EQ(series->labels, Labels::Of({{"__name__", "up"}, {"job", "a } b"}, {"x", "{"}}));
  EXPECT_EQ(ParseSeriesLine("{} 1")->labels, Labels());
}

TEST(SeriesLine, MarksStartTimestamps) {
  const auto series = ParseSeriesLine("up{a=\"b\"}@st -1mx4");
  ASSERT_TRUE(series.has_value());
  EXPECT_TRUE(series->start_timestamps);
  EXPECT_TRUE(series->values.empty());
}

TEST(SeriesLine, RefusesGarbage) {
  EXPECT_EQ(ValuesOf("a 1y"), "error: unexpected \"y\" in series values");
  EXPECT_EQ(ValuesOf("a b"), "error: unexpected \"b\" in series values");
  EXPECT_EQ(ValuesOf("a 1+x3"), "error: unexpected \"+x3\" in series values");
  EXPECT_EQ(ValuesOf("a 1x"), "error: invalid repetition in series values");
  EXPECT_EQ(ValuesOf("a 1x99999999999"), "error: invalid repetition in series values");
  EXPECT_EQ(ValuesOf("a {{sum:1"), "error: histogram description has no end");
  EXPECT_TRUE(ValuesOf("a{ 1").starts_with("error: 1:")) << ValuesOf("a{ 1");
}

}  // namespace
}  // namespace vigil::tests
