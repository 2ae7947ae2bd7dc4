// SPDX-License-Identifier: Apache-2.0
#include "server/web/json_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace vigil::web {
namespace {

template <typename F>
std::string Written(F&& write) {
  std::string out;
  JsonWriter json(&out);
  write(json);
  return out;
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  EXPECT_EQ(Written([](JsonWriter& j) {
              j.BeginObject().Field("a", "b").Key("c").BeginArray().Int(1).Int(2).EndArray();
              j.Key("d").BeginObject().EndObject().Key("e").Bool(true).EndObject();
            }),
            R"({"a":"b","c":[1,2],"d":{},"e":true})");
}

TEST(JsonWriter, WritesSecondsAsUpstreamDoes) {
  const auto seconds = [](TimestampMs t) { return Written([t](JsonWriter& j) { j.Seconds(t); }); };
  EXPECT_EQ(seconds(1435781430781), "1435781430.781");
  EXPECT_EQ(seconds(1435781430050), "1435781430.050");
  EXPECT_EQ(seconds(1435781430000), "1435781430");
  EXPECT_EQ(seconds(0), "0");
  EXPECT_EQ(seconds(-1), "-0.001");
  EXPECT_EQ(seconds(-1500), "-1.500");
  EXPECT_EQ(seconds(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

// Columns of points against point by point, in one piece and in two.
TEST(JsonWriter, WritesColumnsOfPointsAsSinglePoints) {
  std::vector<TimestampMs> times;
  std::vector<double> values;
  for (int64_t t : {-1'500, -1, 0, 1, 999, 1'000, 9'999'999, 10'000'000, 10'000'001}) {
    times.push_back(t);
  }
  for (int64_t t = 1'699'999'999'000; times.size() < 9'000; t += 1'237) times.push_back(t);
  for (size_t i = 0; i < times.size(); ++i) {
    values.push_back(i % 7 == 3 ? StaleNaN() : static_cast<double>(i * i) / (i % 5 == 0 ? 1 : 7));
  }
  values[0] = StaleNaN();
  values[1] = -0.0;
  values[2] = std::numeric_limits<double>::infinity();
  const std::string slow = Written([&](JsonWriter& j) {
    j.BeginArray();
    for (size_t i = 0; i < times.size(); ++i) {
      if (!IsStaleNaN(values[i])) j.Point(times[i], values[i]);
    }
    j.EndArray();
  });
  std::string whole = "[";
  AppendPoints(times, values, false, &whole);
  EXPECT_EQ(whole + "]", slow);
  std::string halves = "[";
  const std::span<const TimestampMs> all_times = times;
  const std::span<const double> all_values = values;
  AppendPoints(all_times.first(100), all_values.first(100), false, &halves);
  AppendPoints(all_times.subspan(100), all_values.subspan(100), true, &halves);
  EXPECT_EQ(halves + "]", slow);
}

// The text is the same in one piece and in many.
TEST(JsonWriter, GivesTextAway) {
  const Labels labels = Labels::Of({{"name", std::string(1'000, 'x')}});
  const auto write = [&](JsonWriter& j) {
    j.BeginArray().Int(1);
    for (size_t i = 0; i < 200; ++i) j.LabelSet(labels);
    j.Insert(",2,3").Int(4).Insert("").EndArray();
  };
  std::string sent;
  std::string text;
  std::vector<size_t> sizes;
  const JsonWriter::Send send = [&](std::string_view piece) {
    sent += piece;
    sizes.push_back(piece.size());
    return true;
  };
  JsonWriter json(&text, &send);
  EXPECT_TRUE(json.gives_away());
  write(json);
  EXPECT_GE(sizes.size(), 4U);
  EXPECT_LT(*std::max_element(sizes.begin(), sizes.end()), 70'000U);
  EXPECT_EQ(sent + text, Written(write));
  EXPECT_FALSE(json.gone());
}

TEST(JsonWriter, StopsWhenNobodyReads) {
  size_t pieces = 0;
  const JsonWriter::Send send = [&](std::string_view) {
    ++pieces;
    return false;
  };
  std::string text;
  JsonWriter json(&text, &send);
  json.BeginArray();
  for (size_t i = 0; i < 3; ++i) json.Insert("1");
  EXPECT_EQ(pieces, 1U);
  EXPECT_TRUE(json.gone());
  EXPECT_EQ(text, "");
}

TEST(JsonWriter, WritesHistogramsAsUpstreamDoes) {
  Histogram h;
  h.count = 7;
  h.sum = 2.5;
  h.zero_threshold = 0.001;
  h.zero_count = 1;
  h.positive_spans = {{0, 3}};
  h.positive_buckets = {1, 0, 3};
  h.negative_spans = {{1, 1}};
  h.negative_buckets = {2};
  EXPECT_EQ(Written([&](JsonWriter& j) { j.HistogramPoint(1500, h); }),
            R"([1.500,{"count":"7","sum":"2.5","buckets":[[1,"-2","-1","2"],)"
            R"([3,"-0.001","0.001","1"],[0,"0.5","1","1"],[0,"2","4","3"]]}])");
  EXPECT_EQ(Written([](JsonWriter& j) { j.HistogramValue(Histogram()); }),
            R"({"count":"0","sum":"0"})");
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  custom.count = 3;
  custom.positive_spans = {{0, 2}};
  custom.positive_buckets = {1, 2};
  custom.custom_values = {5};
  EXPECT_EQ(Written([&](JsonWriter& j) { j.HistogramValue(custom); }),
            R"({"count":"3","sum":"0","buckets":[[3,"-Inf","5","1"],[0,"5","+Inf","2"]]})");
}

TEST(JsonWriter, WritesSampleValuesAsUpstreamDoes) {
  const auto value = [](double v) { return Written([v](JsonWriter& j) { j.Point(1000, v); }); };
  EXPECT_EQ(value(1.5), R"([1,"1.5"])");
  EXPECT_EQ(value(1e21), R"([1,"1e+21"])");
  EXPECT_EQ(value(1e20), R"([1,"100000000000000000000"])");
  EXPECT_EQ(value(1e-7), R"([1,"1e-07"])");
  EXPECT_EQ(value(std::numeric_limits<double>::infinity()), R"([1,"+Inf"])");
  EXPECT_EQ(value(NormalNaN()), R"([1,"NaN"])");
}

TEST(JsonWriter, EscapesAsGoDoes) {
  const auto text = [](std::string_view t) { return Written([t](JsonWriter& j) { j.String(t); }); };
  EXPECT_EQ(text("a\"b\\c\n\t\r"), R"("a\"b\\c\n\t\r")");
  EXPECT_EQ(text("<&>"), R"("\u003c\u0026\u003e")");
  EXPECT_EQ(text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
  EXPECT_EQ(text("\xff\xc3"), R"("\ufffd\ufffd")");
  EXPECT_EQ(text(std::string_view("\x01\x00", 2)), R"("\u0001\u0000")");
  EXPECT_EQ(text("\xe2\x80\xa8"), R"("\u2028")");
}

}  // namespace
}  // namespace vigil::web
