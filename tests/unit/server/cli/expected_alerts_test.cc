// SPDX-License-Identifier: Apache-2.0
#include "server/cli/expected_alerts.h"

#include <gtest/gtest.h>

#include <limits>

#include "client-lib/model/sample.h"
#include "server/cli/junit_xml.h"

namespace vigil::cli {
namespace {

TEST(ExpectedAlerts, DiffIsJsonWithColours) {
  const std::vector<AlertText> expected = {
      {Labels::Of({{"a", "1"}, {"b", "2"}}), Labels::Of({{"s", "x"}})}};
  const std::vector<AlertText> got = {
      {Labels::Of({{"a", "1"}, {"c", "3"}}), Labels::Of({{"s", "y"}})}, {Labels(), Labels()}};
  EXPECT_EQ(DiffAlerts(expected, got),
            "[\n"
            "    {\n"
            "        \"Annotations\": {\n"
            "            \"s\": \033[0;33m\"x\" => \"y\"\033[0m\n"
            "        },\n"
            "        \"Labels\": {\n"
            "            \"a\": \"1\",\n"
            "            \033[0;31m\"b\": \"2\",\033[0m\n"
            "            \033[0;32m\"c\": \"3\"\033[0m\n"
            "        }\n"
            "    },\n"
            "    \033[0;32m{\033[0m\n"
            "        \033[0;32m\"Annotations\": {\033[0m\n"
            "        \033[0;32m},\033[0m\n"
            "        \033[0;32m\"Labels\": {\033[0m\n"
            "        \033[0;32m}\033[0m\n"
            "    \033[0;32m}\033[0m\n"
            "]");
}

TEST(ExpectedAlerts, SamplesCompareAsInGo) {
  const auto one = [](double value) { return std::vector<SampleText>{{Labels(), value, ""}}; };
  EXPECT_TRUE(SameSamples(one(0.3), one(0.3), false));
  EXPECT_FALSE(SameSamples(one(0.1 + 0.2), one(0.3), false));
  EXPECT_TRUE(SameSamples(one(0.1 + 0.2), one(0.3), true));
  EXPECT_FALSE(SameSamples(one(NormalNaN()), one(NormalNaN()), true));
  EXPECT_TRUE(SameSamples(one(0), one(-0.0), false));
  EXPECT_FALSE(SameSamples(one(1), {}, false));
  EXPECT_EQ(PrintSamples(one(std::numeric_limits<double>::infinity())), "{} +Inf");
  EXPECT_EQ(PrintSamples({{Labels::Of({{"a", "b"}}), 1e-7, ""}, {Labels(), 0, "{{}}"}}),
            "{a=\"b\"} 1E-07, {} {{}}");
}

TEST(JunitXml, CountsAndEscapes) {
  EXPECT_EQ(
      JunitXml({{"f", "2026-01-02T03:04:05", {{"a", {"x<y", "z\n"}, ""}, {"b", {}, "\"e\""}}}}),
      "<testsuites><testsuite name=\"f\" tests=\"2\" failures=\"2\" errors=\"1\" skipped=\"0\" "
      "timestamp=\"2026-01-02T03:04:05\"><testcase name=\"a\"><failure>x&lt;y</failure>"
      "<failure>z&#xA;</failure></testcase><testcase name=\"b\"><error>&#34;e&#34;</error>"
      "</testcase></testsuite></testsuites>");
  EXPECT_EQ(JunitXml({}), "<testsuites></testsuites>");
}

}  // namespace
}  // namespace vigil::cli
