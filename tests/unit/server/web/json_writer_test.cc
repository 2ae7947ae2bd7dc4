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
