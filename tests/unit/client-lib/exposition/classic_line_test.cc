// SPDX-License-Identifier: Apache-2.0
#include "client-lib/exposition/classic_line.h"

#include <gtest/gtest.h>

#include <cmath>

#include "client-lib/exposition/text_reader.h"

namespace vigil::exposition {
namespace {

TEST(ClassicLine, TellsThePartsOfAHistogram) {
  struct Row {
    std::string_view series, family;
    ClassicPart part;
    std::string_view base;
    double bound;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"(h_bucket{a="b",le="0.5"})", "h", ClassicPart::kBucket, R"(h{a="b"})", 0.5},
           {R"(h_bucket { le = "+Inf" , a = "}\"," , })", "h", ClassicPart::kBucket,
            R"(h{a="}\","})", HUGE_VAL},
           {R"(h_bucket{le="1"})", "h", ClassicPart::kBucket, "h", 1},
           {"h_count", "h", ClassicPart::kCount, "h", 0},
           {"h_sum{}", "h", ClassicPart::kSum, "h", 0},
           {R"({"h.x_sum",a="b"})", "h.x", ClassicPart::kSum, R"({"h.x",a="b"})", 0},
           {R"({a="b","h.x_bucket","le"="2"})", "h.x", ClassicPart::kBucket, R"({a="b","h.x"})", 2},
           {R"(h_bucket{le="NaN"})", "h", ClassicPart::kNone, "", 0},
           {R"(h_bucket{a="b"})", "h", ClassicPart::kNone, "", 0},
           {R"(h_bucket{a="b)", "h", ClassicPart::kNone, "", 0},
           {R"(h_bucket{a=b})", "h", ClassicPart::kNone, "", 0},
           {R"({"h_sum","h_count"})", "h_s", ClassicPart::kNone, "", 0},
           {R"(h_sum{"h_sum"})", "h", ClassicPart::kNone, "", 0},
           {"h_max", "h", ClassicPart::kNone, "", 0},
           {"other_sum", "h", ClassicPart::kNone, "", 0}}) {
    std::string base;
    double bound = 0;
    EXPECT_EQ(ReadClassicLine(row.series, row.family, &base, &bound), row.part) << row.series;
    if (row.part == ClassicPart::kNone) continue;
    EXPECT_EQ(base, row.base);
    EXPECT_EQ(bound, row.bound);
    // What is left is a series itself.
    SeriesPairs pairs;
    EXPECT_TRUE(ParseSeriesPairs(base, &pairs)) << base;
  }
}

}  // namespace
}  // namespace vigil::exposition
