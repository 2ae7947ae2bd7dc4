// SPDX-License-Identifier: Apache-2.0
#include "exporters/toolkit/metric_sink.h"

#include <gtest/gtest.h>

#include <limits>

namespace vigil::toolkit {
namespace {

using Type = MetricSink::MetricType;

std::string Rendered(const MetricSink& sink, std::vector<std::string>* problems = nullptr) {
  std::string out;
  sink.Render(&out, problems);
  return out;
}

TEST(MetricSink, SortsFamiliesSeriesAndLabels) {
  MetricSink sink;
  sink.Gauge("b", "Second.", 2);
  const auto a = sink.Family("a_total", "First.", Type::kCounter);
  sink.Add(a, {{"mode", "user"}, {"cpu", "1"}}, 3);
  sink.Add(a, {{"cpu", "1"}, {"mode", "idle"}}, 2);
  sink.Add(a, {{"cpu", "0"}, {"mode", "user"}}, 1);
  sink.Family("empty", "Has no samples.", Type::kGauge);
  EXPECT_EQ(Rendered(sink),
            "# HELP a_total First.\n# TYPE a_total counter\n"
            "a_total{cpu=\"0\",mode=\"user\"} 1\n"
            "a_total{cpu=\"1\",mode=\"idle\"} 2\n"
            "a_total{cpu=\"1\",mode=\"user\"} 3\n"
            "# HELP b Second.\n# TYPE b gauge\nb 2\n");
}

TEST(MetricSink, ComparesValuesNotTheirText) {
  MetricSink sink;
  const auto id = sink.Family("a", "A.", Type::kGauge);
  sink.Add(id, {{"x", "a b"}}, 2);
  sink.Add(id, {{"x", "a"}}, 1);
  sink.Add(id, {{"x", "a"}, {"y", ""}}, 3);
  EXPECT_EQ(Rendered(sink),
            "# HELP a A.\n# TYPE a gauge\na{x=\"a\"} 1\na{x=\"a b\"} 2\na{x=\"a\",y=\"\"} 3\n");
}

TEST(MetricSink, Escapes) {
  MetricSink sink;
  sink.Gauge("a", "Back\\slash\nnew \"line\".", std::numeric_limits<double>::infinity(),
             {{"x", "a\\b\"c\nd"}, {"y", "caf\xc3\xa9 \xff."}});
  EXPECT_EQ(Rendered(sink),
            "# HELP a Back\\\\slash\\nnew \"line\".\n# TYPE a gauge\n"
            "a{x=\"a\\\\b\\\"c\\nd\",y=\"caf\xc3\xa9 \xef\xbf\xbd.\"} +Inf\n");
}

TEST(MetricSink, KeepsHistogramLinesTogether) {
  MetricSink sink;
  const auto id = sink.Family("h", "H.", Type::kHistogram);
  const auto add = [&](std::string_view path, std::string_view suffix, std::string_view le,
                       double value) {
    std::vector<LabelView> labels = {{"path", path}};
    if (!le.empty()) labels.push_back({"le", le});
    sink.Add(id, labels, value, suffix);
  };
  add("/b", "_bucket", "+Inf", 9);
  add("/a", "_sum", "", 2.5);
  add("/a", "_count", "", 3);
  add("/a", "_bucket", "2", 1);
  add("/a", "_bucket", "10", 2);
  add("/a", "_bucket", "+Inf", 3);
  EXPECT_EQ(Rendered(sink),
            "# HELP h H.\n# TYPE h histogram\n"
            "h_bucket{le=\"2\",path=\"/a\"} 1\nh_bucket{le=\"10\",path=\"/a\"} 2\n"
            "h_bucket{le=\"+Inf\",path=\"/a\"} 3\nh_sum{path=\"/a\"} 2.5\nh_count{path=\"/a\"} 3\n"
            "h_bucket{le=\"+Inf\",path=\"/b\"} 9\n");
}

TEST(MetricSink, RendersARepeatedSeriesOnceAndSaysSo) {
  MetricSink sink;
  sink.Gauge("a", "A.", 1, {{"x", "1"}});
  sink.Gauge("a", "A.", 2, {{"x", "1"}});
  sink.Counter("a", "A.", 3);
  std::vector<std::string> problems;
  EXPECT_EQ(Rendered(sink, &problems), "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\n");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0],
            "series a{x=\"1\"} was collected before with the same name and label values");
  EXPECT_NE(problems[1].find("declared as gauge and as counter"), std::string::npos);
}

TEST(MetricSink, MergesOthers) {
  MetricSink a;
  a.Gauge("m", "M.", 1, {{"x", "1"}});
  MetricSink b;
  b.Gauge("n", "N.", 5);
  b.Gauge("m", "M.", 2, {{"x", "0"}});
  a.Merge(b);
  EXPECT_EQ(Rendered(a),
            "# HELP m M.\n# TYPE m gauge\nm{x=\"0\"} 2\nm{x=\"1\"} 1\n"
            "# HELP n N.\n# TYPE n gauge\nn 5\n");
}

TEST(MetricSink, ClearForgetsSamplesAndTypes) {
  MetricSink sink;
  sink.Gauge("a", "Old.", 1);
  sink.Gauge("b", "B.", 1);
  sink.Clear();
  EXPECT_EQ(Rendered(sink), "");
  sink.Counter("a", "New.", 2);
  EXPECT_EQ(Rendered(sink), "# HELP a New.\n# TYPE a counter\na 2\n");
}

TEST(MetricSink, UnknownIsUntyped) {
  MetricSink sink;
  sink.Add(sink.Family("a", "A.", Type::kUnknown), 1e6);
  EXPECT_EQ(Rendered(sink), "# HELP a A.\n# TYPE a untyped\na 1e+06\n");
}

}  // namespace
}  // namespace vigil::toolkit
