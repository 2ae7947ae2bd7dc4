// SPDX-License-Identifier: Apache-2.0
#include "server/web/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

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
