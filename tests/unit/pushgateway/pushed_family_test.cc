// SPDX-License-Identifier: Apache-2.0
#include "pushgateway/pushed_family.h"

#include <gtest/gtest.h>

#include <string>

namespace vigil::pushgateway {
namespace {

Result<ParsedPush> Parse(std::string_view body, std::string_view path = "job/j") {
  return ParsePush(body, *GroupingKey::Parse(path));
}

// The lines of all families, or what was wrong.
std::string Text(std::string_view body, std::string_view path = "job/j") {
  const auto push = Parse(body, path);
  if (!push) return "error: " + push.error().message;
  if (!push->inconsistency.empty()) return "inconsistent: " + push->inconsistency;
  std::string out;
  for (const FamilyPtr& family : push->families) out += family->text;
  return out;
}

TEST(PushedFamily, GetsTheGroupsLabels) {
  EXPECT_EQ(Text("x 1\n"), "x{instance=\"\",job=\"j\"} 1\n");
  EXPECT_EQ(Text("x{job=\"mine\",a=\"b\"} 1e3\n"), "x{a=\"b\",instance=\"\",job=\"j\"} 1000\n");
  EXPECT_EQ(Text("x{instance=\"i\"} 1\n"), "x{instance=\"i\",job=\"j\"} 1\n");
  EXPECT_EQ(Text("x{instance=\"i\"} 1\n", "job/j/instance/h"), "x{instance=\"h\",job=\"j\"} 1\n");
}

TEST(PushedFamily, SortsSeriesAndEscapesValues) {
  EXPECT_EQ(Text("x{a=\"b\\\"\\n\"} 2\nx{a=\"a\"} NaN\n"),
            "x{a=\"a\",instance=\"\",job=\"j\"} NaN\n"
            "x{a=\"b\\\"\\n\",instance=\"\",job=\"j\"} 2\n");
}

TEST(PushedFamily, KeepsHistogramsTogetherAndWritesBoundsAsNumbers) {
  EXPECT_EQ(Text("# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                 "h_sum 3\nh_count 2\n"),
            "h_bucket{instance=\"\",job=\"j\",le=\"1\"} 1\n"
            "h_bucket{instance=\"\",job=\"j\",le=\"+Inf\"} 2\n"
            "h_sum{instance=\"\",job=\"j\"} 3\nh_count{instance=\"\",job=\"j\"} 2\n");
}

TEST(PushedFamily, KeepsHelpEscaped) {
  const auto push = Parse("# HELP x a\\\\b\\nc\n# TYPE x gauge\nx 1\n");
  ASSERT_TRUE(push);
  EXPECT_EQ(push->families[0]->help, "a\\\\b\\nc");
  EXPECT_EQ(push->families[0]->type, exposition::MetricType::kGauge);
}

TEST(PushedFamily, PushTimesOfTheBodyAreDropped) {
  EXPECT_EQ(Text("push_time_seconds 5\npush_failure_time_seconds 6\n"), "");
}

TEST(PushedFamily, AnEmptyBodyIsAnEmptyPush) { EXPECT_EQ(Text(""), ""); }

TEST(PushedFamily, RefusesWhatCannotBeRead) {
  for (const char* body :
       {"x 1", "x 1\r\n", "x\n", "x 1 2 3\n", "{} 1\n", "# TYPE x rocket\nx 1\n",
        "# TYPE x gauge\n# TYPE x gauge\nx 1\n", "x 1\n# TYPE x gauge\n",
        "# TYPE h histogram\nh_bucket 1\n", "# TYPE h histogram\nh_bucket{le=\"a\"} 1\n",
        "x{a=\"1\",a=\"2\"} 1\n", "x{a=\"\xff\"} 1\n", "{\"ä\"} 1\n"}) {
    EXPECT_TRUE(Text(body).starts_with("error: ")) << body << Text(body);
  }
  EXPECT_TRUE(Text("a 1\nb 2").starts_with("error: text format parsing error in line 2: "));
  EXPECT_TRUE(Text("a 1\nb\n").starts_with("error: text format parsing error in line 2: "));
}

TEST(PushedFamily, FindsContradictions) {
  EXPECT_EQ(Text("x 1 1234\n"), "inconsistent: pushed metrics must not have timestamps");
  EXPECT_TRUE(Text("x 1\nx 2\n").starts_with("inconsistent: line 2"));
  EXPECT_EQ(Text("x{job=\"a\"} 1\nx{job=\"b\"} 2\n"),
            "inconsistent: series x{instance=\"\",job=\"j\"} was pushed twice");
  EXPECT_TRUE(Text("x 1\nx{instance=\"\"} 2\n").starts_with("inconsistent: "));
  EXPECT_EQ(Text("h_bucket 1\n# TYPE h histogram\nh_sum 1\n"),
            "inconsistent: metric families \"h\" and \"h_bucket\" share the name \"h_bucket\"");
}

}  // namespace
}  // namespace vigil::pushgateway
