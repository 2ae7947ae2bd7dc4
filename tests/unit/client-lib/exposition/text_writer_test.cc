// SPDX-License-Identifier: Apache-2.0
// Text written from prometheus-cpp's families.
#include "client-lib/exposition/text_writer.h"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cmath>
#include <limits>

#include "client-lib/exposition/families.h"

namespace vigil::exposition {
namespace {

prometheus::MetricFamily Gauge(std::string name, double value) {
  prometheus::MetricFamily family{std::move(name), "Help.", prometheus::MetricType::Gauge, {}};
  family.metric.emplace_back().gauge.value = value;
  return family;
}

TEST(TextWriter, WritesEveryType) {
  std::vector<prometheus::MetricFamily> families;
  prometheus::ClientMetric counter;
  counter.label = {{"b", "q\"\\\n"}, {"a", "plain"}};
  counter.counter.value = 1e6;
  counter.timestamp_ms = 1234;
  families.push_back({"c_total", "A \\ and\na line.", prometheus::MetricType::Counter, {counter}});
  prometheus::ClientMetric histogram;
  histogram.label = {{"a", "b"}};
  histogram.histogram = {3, 0.1 + 0.2, {{1, 0.5}, {3, 1e6}}};
  families.push_back({"h", "H.", prometheus::MetricType::Histogram, {histogram}});
  prometheus::ClientMetric summary;
  summary.summary = {2, 5, {{0.5, std::nan("")}}};
  families.push_back({"s", "S.", prometheus::MetricType::Summary, {summary}});
  prometheus::ClientMetric untyped;
  untyped.untyped.value = -std::numeric_limits<double>::infinity();
  families.push_back({"u", "", prometheus::MetricType::Untyped, {untyped}});
  EXPECT_EQ(WriteText(families),
            "# HELP c_total A \\\\ and\\na line.\n# TYPE c_total counter\n"
            "c_total{b=\"q\\\"\\\\\\n\",a=\"plain\"} 1e+06 1234\n"
            "# HELP h H.\n# TYPE h histogram\n"
            "h_bucket{a=\"b\",le=\"0.5\"} 1\nh_bucket{a=\"b\",le=\"1e+06\"} 3\n"
            "h_bucket{a=\"b\",le=\"+Inf\"} 3\nh_sum{a=\"b\"} 0.30000000000000004\n"
            "h_count{a=\"b\"} 3\n"
            "# HELP s S.\n# TYPE s summary\n"
            "s{quantile=\"0.5\"} NaN\ns_sum 5\ns_count 2\n"
            "# HELP u \n# TYPE u untyped\nu -Inf\n");
}

TEST(TextWriter, SortsWhenAsked) {
  prometheus::MetricFamily b = Gauge("b", 1);
  b.metric[0].label = {{"x", "2"}};
  b.metric.emplace_back().label = {{"x", "1"}};
  EXPECT_EQ(WriteText({b, Gauge("a", 1)}, Order::kSorted),
            "# HELP a Help.\n# TYPE a gauge\na 1\n"
            "# HELP b Help.\n# TYPE b gauge\nb{x=\"1\"} 0\nb{x=\"2\"} 1\n");
}

TEST(TextWriter, QuotesNamesBeyondTheLegacySet) {
  EXPECT_EQ(WriteText({Gauge("a.b", 1)}),
            "# HELP \"a.b\" Help.\n# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n");
}

TEST(TextWriter, TypesUnknownToTheFormatBecomeTheNearest) {
  std::string page;
  AppendTypeLine("a", MetricType::kInfo, &page);
  AppendTypeLine("a", MetricType::kStateSet, &page);
  AppendTypeLine("a", MetricType::kGaugeHistogram, &page);
  AppendTypeLine("a", MetricType::kUnknown, &page);
  EXPECT_EQ(page, "# TYPE a gauge\n# TYPE a gauge\n# TYPE a histogram\n# TYPE a untyped\n");
}

TEST(TextWriter, ARealRegistryReadsBack) {
  prometheus::Registry registry;
  auto& counters = prometheus::BuildCounter().Name("c_total").Help("x\ny").Register(registry);
  counters.Add({{"path", "/a\"b"}}).Increment(0.1);
  auto& histograms = prometheus::BuildHistogram().Name("h").Help("").Register(registry);
  histograms.Add({}, prometheus::Histogram::BucketBoundaries{1, 2}).Observe(1.5);
  const auto families = ParseFamilies(WriteText(registry.Collect(), Order::kSorted));
  ASSERT_TRUE(families) << families.error().message;
  ASSERT_EQ(families->size(), 2U);
  EXPECT_EQ((*families)[0].help, "x\ny");
  EXPECT_EQ((*families)[0].points[0].labels, Labels::Of({{"path", "/a\"b"}}));
  EXPECT_EQ((*families)[0].points[0].value, 0.1);
  EXPECT_EQ((*families)[1].points.size(), 5U) << "two bounds, +Inf once, sum and count";
}

}  // namespace
}  // namespace vigil::exposition
