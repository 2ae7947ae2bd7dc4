// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_metrics.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <string>

#include "server/cli/promql_command.h"
#include "server/cli/push.h"
#include "server/remote/write_request.h"

namespace vigil::cli {
namespace {

std::string LintOf(const std::string& page) { return CheckMetricsPage(page, true, false).err; }

TEST(CheckMetrics, NamesWhatIsAgainstTheConventions) {
  EXPECT_EQ(LintOf("# HELP a_total x\n# TYPE a_total counter\na_total 1\n"), "");
  EXPECT_EQ(LintOf("# TYPE a counter\na 1\n"),
            "a counter metrics should have \"_total\" suffix\na no help text\n");
  EXPECT_EQ(
      LintOf("# HELP x_ms y\n# TYPE x_ms gauge\nx_ms{le=\"1\"} 1\nx_ms{le=\"2\",aB=\"c\"} 2\n"),
      "x_ms label names should be written in 'snake_case' not 'camelCase'\n"
      "x_ms metric names should not contain abbreviated units\n"
      "x_ms non-histogram metrics should not have \"le\" label\n"
      "x_ms non-histogram metrics should not have \"le\" label\n");
  EXPECT_EQ(LintOf("# HELP c_kilometers x\nc_kilometers 2\n"),
            "c_kilometers use base unit \"meters\" instead of \"kilometers\"\n");
}

TEST(CheckMetrics, CodesSayHowBadItIs) {
  EXPECT_EQ(CheckMetricsPage("a 1\n", true, false).code, 3);
  EXPECT_EQ(CheckMetricsPage("a 1\n", false, false).code, 0);
  EXPECT_EQ(CheckMetricsPage("a b\n", false, false).code, 1);
  EXPECT_EQ(CheckMetricsPage("", true, false).code, 0);
}

TEST(CheckMetrics, CountsSeries) {
  EXPECT_EQ(CheckMetricsPage("a 1\nb{x=\"1\"} 1\nb{x=\"2\"} 1\n", false, true).out,
            "Metric    Cardinality    Percentage    \n"
            "b         2              66.67%        \n"
            "a         1              33.33%        \n"
            "Total     3              100%          \n");
}

TEST(PushBody, LabelsGoOverThoseOfThePage) {
  const auto body = PushBody(
      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
      "a{job=\"x\",b=\"c\"} 1 1000\n",
      Labels::Of({{"job", "j"}}), 5000);
  ASSERT_TRUE(body.has_value()) << body.error().message;
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(body->data(), body->size(), &message));
  remote::WriteRequest decoded;
  ASSERT_TRUE(remote::DecodeWriteRequest(message, &decoded).has_value());
  std::string lines;
  for (const auto& series : decoded.series) {
    lines += remote::DecodeLabels(series.raw_labels)->ToMetricString() + " " +
             std::to_string(decoded.timestamps[series.first_sample]) + "\n";
  }
  EXPECT_EQ(lines,
            "a{b=\"c\", job=\"j\"} 1000\nh_bucket{job=\"j\", le=\"+Inf\"} 5000\n"
            "h_count{job=\"j\"} 5000\nh_sum{job=\"j\"} 5000\n");
  EXPECT_FALSE(PushBody("a\n", Labels(), 0).has_value());
}

TEST(PromqlCommand, ChangesEverySelector) {
  const Matcher matcher = Matcher::Equal("a", "b");
  EXPECT_EQ(SetMatcher("rate(up[5m]) + x{a!=\"c\",d=\"e\"}", matcher, {}).value(),
            "rate(up{a=\"b\"}[5m]) + x{a=\"b\",d=\"e\"}");
  EXPECT_EQ(SetMatcher("sum(up)", Matcher::Equal("__name__", "down"), {}).value(), "sum(down)");
  EXPECT_EQ(SetMatcher("up{a=\"b\"}", Matcher::Equal("__name__", "a b"), {}).value(),
            "{__name__=\"a b\",a=\"b\"}");
  EXPECT_EQ(DeleteMatcher("up{a=\"1\",b=\"2\",a!=\"3\"}", "a", {}).value(), "up{b=\"2\"}");
  EXPECT_FALSE(FormatQuery("up{", {}).has_value());
}

}  // namespace
}  // namespace vigil::cli
