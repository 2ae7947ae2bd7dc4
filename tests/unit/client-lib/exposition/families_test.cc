// SPDX-License-Identifier: Apache-2.0
// Grouping of a page by family, and its errors.
#include "client-lib/exposition/families.h"

#include <gtest/gtest.h>

#include "client-lib/exposition/text_writer.h"

namespace vigil::exposition {
namespace {

std::string ErrorOf(std::string_view page) {
  const auto families = ParseFamilies(page);
  return families ? "none" : families.error().message;
}

TEST(Families, GroupsHistogramsAndSummaries) {
  const auto families = *ParseFamilies(
      "# HELP h Some\\nhelp.\n# TYPE h histogram\n"
      "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
      "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\ns_bucket 9\n"
      "h_sum{a=\"b\"} 7\nfree 1 1000\n");
  ASSERT_EQ(families.size(), 4U);
  EXPECT_EQ(families[0].name, "h");
  EXPECT_EQ(families[0].help, "Some\nhelp.");
  EXPECT_EQ(families[0].type, MetricType::kHistogram);
  ASSERT_EQ(families[0].points.size(), 5U);
  EXPECT_EQ(families[0].points[1].suffix, "_bucket");
  EXPECT_EQ(families[0].points[1].labels, Labels::Of({{"le", "+Inf"}}));
  EXPECT_EQ(families[0].points[4].suffix, "_sum");
  EXPECT_EQ(families[1].points.size(), 3U);
  EXPECT_EQ(families[2].name, "s_bucket") << "a summary has no buckets";
  EXPECT_EQ(families[3].points[0].timestamp, 1000);
  EXPECT_FALSE(families[3].has_help);
}

TEST(Families, WithoutTypeSuffixesAreNames) {
  const auto families = *ParseFamilies("h_bucket{le=\"1\"} 1\nh_sum 3\n");
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].name, "h_bucket");
}

TEST(Families, InterleavedSamplesComeTogether) {
  const auto families = *ParseFamilies("a{x=\"1\"} 1\nb 1\na{x=\"2\"} 2\n");
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].points.size(), 2U);
}

TEST(Families, WithoutSamplesLeftOut) {
  EXPECT_TRUE(ParseFamilies("# HELP a x\n# TYPE a counter\n")->empty());
  EXPECT_TRUE(ParseFamilies("")->empty());
}

TEST(Families, RefusesSecondTypeAndHelp) {
  EXPECT_EQ(ErrorOf("# TYPE a counter\n# TYPE a counter\na 1\n"),
            "line 2: second TYPE line for metric name \"a\", or TYPE reported after samples");
  EXPECT_EQ(ErrorOf("a 1\n# TYPE a counter\n"),
            "line 2: second TYPE line for metric name \"a\", or TYPE reported after samples");
  EXPECT_EQ(ErrorOf("# HELP a x\n# HELP a x\n"), "line 2: second HELP line for metric name \"a\"");
  EXPECT_EQ(ErrorOf("a 1\n# HELP a x\n"), "none");
}

TEST(Families, RefusesDuplicates) {
  EXPECT_EQ(ErrorOf("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n"),
            "line 2: the series \"a{y=\\\"2\\\",x=\\\"1\\\"}\" is there twice");
  EXPECT_EQ(ErrorOf("a 1\na{instance=\"\"} 1\n").substr(0, 6), "line 2");
  EXPECT_EQ(ErrorOf("# TYPE h histogram\nh_sum 1\nh_count 1\n"), "none");
}

TEST(Families, RefusesBoundsThatAreNoNumbers) {
  EXPECT_EQ(ErrorOf("# TYPE h histogram\nh_bucket{le=\"x\"} 1\n"),
            "line 2: expected float as value for 'le' label, got \"x\"");
  EXPECT_EQ(ErrorOf("# TYPE h histogram\nh_bucket 1\n"),
            "line 2: expected float as value for 'le' label, got \"\"");
  EXPECT_EQ(ErrorOf("# TYPE s summary\ns{quantile=\"half\"} 1\n"),
            "line 2: expected float as value for 'quantile' label, got \"half\"");
  EXPECT_EQ(ErrorOf("# TYPE h histogram\nh 1\n"),
            "line 2: sample \"h\" is neither _bucket, _sum nor _count of the histogram");
}

TEST(Families, PassesOnWhatReaderAndSeriesRefuse) {
  EXPECT_EQ(ErrorOf("a 1\nb"),
            "line 2: the page ends within a line: a newline is missing behind \"b\"");
  EXPECT_EQ(ErrorOf("a{b=\"c\",b=\"d\"} 1\n").substr(0, 30), "line 1: label name \"b\" is not ");
}

TEST(Families, ReadBackAsTheyWereWritten) {
  const std::string page =
      "# HELP h Some\\nhelp \\\\.\n# TYPE h histogram\n"
      "h_bucket{a=\"q\\\"\\n\\\\\",le=\"1\"} 1\nh_sum 0.30000000000000004\n"
      "# TYPE b untyped\nb NaN 1000\nb{a=\"\",b=\"1\",c=\"\"} 1\n"
      "# TYPE \"a.b\" gauge\n{\"a.b\",\"l.m\"=\"v\"} -Inf\n";
  std::string written;
  for (const Family& family : *ParseFamilies(page)) AppendText(family, &written);
  EXPECT_EQ(written, page);
}

}  // namespace
}  // namespace vigil::exposition
