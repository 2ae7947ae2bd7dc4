// SPDX-License-Identifier: Apache-2.0
#include "tests/support/promqltest/runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "client-lib/model/sample.h"
#include "tests/support/promqltest/comparison.h"

namespace vigil::tests {
namespace {

// "2 passed, 1 failed", and what was reported, a line each.
std::string Outcome(std::string_view script) {
  std::string reports;
  const Tally tally = ScriptRunner(script).Run([&](int line, const std::string& what) {
    reports += std::to_string(line) + ": " + what + "\n";
  });
  return reports + std::to_string(tally.passed) + " passed, " + std::to_string(tally.failed) +
         " failed";
}

TEST(ScriptRunner, PassesWhatIsRight) {
  EXPECT_EQ(Outcome("load 1m\n  a 1 2 3\n\neval instant at 1m a\n  a 2\n\n"
                    "eval range from 0 to 2m step 1m a\n  a 1 2 3\n"),
            "2 passed, 0 failed");
}

TEST(ScriptRunner, SaysWhatCameInstead) {
  EXPECT_EQ(Outcome("load 1m\n  a 1 2 3\n\neval instant at 1m a\n  a 7\n"),
            "4: a: expected 7 for a, got 2\n0 passed, 1 failed");
  EXPECT_EQ(Outcome("load 1m\n  a 1\n\neval instant at 0 a\n"),
            "4: a: unexpected metric a in the result, it has 1 @0ms\n0 passed, 1 failed");
  EXPECT_EQ(Outcome("eval instant at 0 a\n  a 1\n"),
            "1: a: expected metric a with 1 is missing\n0 passed, 1 failed");
  EXPECT_EQ(Outcome("eval instant at 0 1\n  2\n"),
            "1: 1: expected the scalar 2, got 1\n0 passed, 1 failed");
}

TEST(ScriptRunner, ChecksFailures) {
  EXPECT_EQ(Outcome("eval instant at 0 1 +\n  expect fail\n"), "1 passed, 0 failed");
  EXPECT_EQ(Outcome("eval_fail instant at 0 1 +\n  expected_fail_regexp end of\n"),
            "1 passed, 0 failed");
  EXPECT_EQ(Outcome("eval instant at 0 1\n  expect fail\n"),
            "1: 1: expected a failure, the query succeeded\n0 passed, 1 failed");
  EXPECT_EQ(Outcome("eval instant at 0 1 +\n  expect fail msg: no\n"),
            "1: 1 +: expected failure \"no\", got 1:4: parse error: unexpected end of input\n"
            "0 passed, 1 failed");
}

TEST(ScriptRunner, GoesOnAfterABrokenCommand) {
  EXPECT_EQ(Outcome("dance 1m\n  a 1\n\nload 1m\n  b 1\n\neval instant at 0 b\n  b 1\n"),
            "1: unknown command \"dance 1m\"\n1 passed, 1 failed");
}

TEST(ScriptRunner, ComparesHistograms) {
  const auto compare = [](std::string_view expected) {
    return Outcome("load 1m\n  a {{count:3 sum:2 buckets:[1 0 2]}}\n\neval instant at 0 a\n  a " +
                   std::string(expected) + "\n");
  };
  EXPECT_EQ(compare("{{count:3 sum:2 buckets:[1 0 2 0]}}"), "1 passed, 0 failed");
  EXPECT_EQ(compare("{{count:3 sum:2 buckets:[1 0 2] counter_reset_hint:unknown}}"),
            "1 passed, 0 failed");
  EXPECT_EQ(compare("{{count:3 sum:2 buckets:[1 0 3]}}"),
            "4: a: expected {{count:3 sum:2 buckets:[1 0 3]}} for a, got {{count:3 sum:2 "
            "buckets:[1 0 2]}}\n0 passed, 1 failed");
  EXPECT_EQ(compare("{{count:3 sum:2 buckets:[1 0 2] counter_reset_hint:gauge}}"),
            "4: a: expected {{count:3 sum:2 counter_reset_hint:gauge buckets:[1 0 2]}} for a, got "
            "{{count:3 sum:2 buckets:[1 0 2]}}\n0 passed, 1 failed");
  EXPECT_EQ(compare("3"),
            "4: a: expected 3 for a, got {{count:3 sum:2 buckets:[1 0 2]}}\n0 passed, 1 failed");
}

TEST(ScriptRunner, LoadsClassicHistogramsAsNativeOnes) {
  EXPECT_EQ(Outcome("load_with_nhcb 1m\n  a_bucket{le=\"1\"} 1\n  a_bucket{le=\"5\"} 4\n"
                    "  a_bucket{le=\"+Inf\"} 6\n  a_count 6\n  a_sum 20\n\neval instant at 0 a\n"
                    "  a {{schema:-53 count:6 sum:20 custom_values:[1 5] buckets:[1 3 2]}}\n\n"
                    "eval instant at 0 a_count\n  a_count 6\n"),
            "2 passed, 0 failed");
  EXPECT_EQ(Outcome("load_with_nhcb 1m\n  a_bucket{le=\"1\"} 3\n  a_bucket{le=\"5\"} 2\n"),
            "1: a: the bucket counts of a histogram are not cumulative\n0 passed, 1 failed");
}

TEST(ScriptRunner, ForgetsAtClear) {
  EXPECT_EQ(Outcome("load 1m\n  a 1\n\nclear\neval instant at 0 a\n"), "1 passed, 0 failed");
}

TEST(ScriptRunner, SkipsCommentsInBlocks) {
  EXPECT_EQ(Outcome("load 1m\n  a 1\n  # between\n  b 2\n# behind\neval instant at 0 b\n  b 2\n"),
            "1 passed, 0 failed");
}

TEST(AlmostEqual, AllowsAMillionth) {
  EXPECT_TRUE(AlmostEqual(1, 1.000001));
  EXPECT_FALSE(AlmostEqual(1, 1.00001));
  EXPECT_TRUE(AlmostEqual(0, 0));
  EXPECT_FALSE(AlmostEqual(0, 1e-300));
  EXPECT_TRUE(AlmostEqual(std::nan("1"), NormalNaN()));
  EXPECT_FALSE(AlmostEqual(StaleNaN(), NormalNaN()));
  EXPECT_TRUE(AlmostEqual(StaleNaN(), StaleNaN()));
  EXPECT_FALSE(AlmostEqual(std::numeric_limits<double>::infinity(), 1));
}

}  // namespace
}  // namespace vigil::tests
