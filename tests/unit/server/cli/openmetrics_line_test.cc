// SPDX-License-Identifier: Apache-2.0
#include "server/cli/openmetrics_line.h"

#include <gtest/gtest.h>

namespace vigil::cli {
namespace {

std::string Read(std::string_view line, TimeUnit unit = TimeUnit::kSeconds) {
  const auto sample = ReadImportLine(line, unit);
  if (!sample) return "error: " + sample.error().message;
  if (!*sample) return "nothing";
  return std::string((*sample)->series) + "|" + std::to_string((*sample)->value) + "|" +
         std::to_string((*sample)->timestamp);
}

TEST(OpenMetricsLine, ReadsSamples) {
  EXPECT_EQ(Read("up 1 1700000000"), "up|1.000000|1700000000000");
  EXPECT_EQ(Read("up{job=\"a b\",x=\"}\\\" \"} -2.5 1700000000.1234"),
            "up{job=\"a b\",x=\"}\\\" \"}|-2.500000|1700000000123");
  EXPECT_EQ(Read("up {job=\"a\"} 1 -1.5"), "up {job=\"a\"}|1.000000|-1500");
  EXPECT_EQ(Read("{\"a.b\",x=\"y\"} +Inf 1e3"), "{\"a.b\",x=\"y\"}|inf|1000000");
  EXPECT_EQ(Read("a_total 3 1.5 # {trace_id=\"x\"} 1 2"), "a_total|3.000000|1500");
  EXPECT_EQ(Read("up 1 1700000000123", TimeUnit::kMilliseconds), "up|1.000000|1700000000123");
}

TEST(OpenMetricsLine, PassesOverComments) {
  EXPECT_EQ(Read(""), "nothing");
  EXPECT_EQ(Read("  # HELP up x"), "nothing");
}

TEST(OpenMetricsLine, SaysWhatIsWrong) {
  EXPECT_EQ(Read("up"), "error: expected a value behind the series, got \"\"");
  EXPECT_EQ(Read("up one 1"), "error: expected a value behind the series, got \"one\"");
  EXPECT_EQ(Read("up 1"), "error: the sample has no timestamp");
  EXPECT_EQ(Read("up 1 # {a=\"b\"} 1"), "error: the sample has no timestamp");
  EXPECT_EQ(Read("up 1 noon"), "error: expected a timestamp in seconds, got \"noon\"");
  EXPECT_EQ(Read("up 1 NaN"), "error: expected a timestamp in seconds, got \"NaN\"");
  EXPECT_EQ(Read("up 1 1e300"), "error: expected a timestamp in seconds, got \"1e300\"");
  EXPECT_EQ(Read("up 1 1.5", TimeUnit::kMilliseconds),
            "error: expected a timestamp in milliseconds, got \"1.5\"");
  EXPECT_EQ(Read("up 1 2 3"), "error: unexpected \"3\" behind the timestamp");
}

}  // namespace
}  // namespace vigil::cli
