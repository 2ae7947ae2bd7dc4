// SPDX-License-Identifier: Apache-2.0
#include "server/web/search_score.h"

#include <gtest/gtest.h>

namespace vigil::web {
namespace {

TEST(SubsequenceScore, RewardsRunsAndTakesGapsOff) {
  EXPECT_EQ(SubsequenceScore("", "up"), 1);
  EXPECT_EQ(SubsequenceScore("up", "up"), 1);
  EXPECT_EQ(SubsequenceScore("upx", "up"), 0);
  EXPECT_EQ(SubsequenceScore("x", ""), 0);
  // A run of 2 behind a gap of 2 of 5, with 1 behind it: (4 - 2/5 - 1/10) / 4.
  EXPECT_DOUBLE_EQ(SubsequenceScore("cd", "abcde"), (4 - 0.4 - 0.1) / 4);
  // Two runs: 1 + 1 - 1/3.
  EXPECT_DOUBLE_EQ(SubsequenceScore("ac", "abc"), (2 - 1.0 / 3) / 4);
  // The better of two beginnings.
  EXPECT_DOUBLE_EQ(SubsequenceScore("ab", "axab"), (4 - 0.5) / 4);
}

TEST(SubsequenceScore, CountsCharactersNotBytes) {
  EXPECT_DOUBLE_EQ(SubsequenceScore("\xc3\xbc", "a\xc3\xbc"), 0.5);
}

TEST(JaroWinklerScore, IsTheTextbookValue) {
  EXPECT_NEAR(JaroWinklerScore("MARTHA", "MARHTA"), 0.9611, 1e-4);
  EXPECT_NEAR(JaroWinklerScore("DIXON", "DICKSONX"), 0.8133, 1e-4);
  EXPECT_EQ(JaroWinklerScore("abc", "xyz"), 0);
  EXPECT_EQ(JaroWinklerScore("", "a"), 0);
  EXPECT_EQ(JaroWinklerScore("same", "same"), 1);
}

TEST(NameFilter, TakesAnyTermAndItsBestScore) {
  EXPECT_EQ(NameFilter({}, {}).Score("anything"), 1);
  const NameFilter filter({"cpu", "mem"}, {});
  EXPECT_EQ(filter.Score("cpu_seconds"), 1);
  EXPECT_FALSE(filter.Score("disk").has_value());
  EXPECT_GT(filter.Score("node_memory").value(), 0.5);
}

TEST(NameFilter, KeepsItsThresholdAndCase) {
  EXPECT_FALSE(NameFilter({"CPU"}, {}).Score("node_cpu").has_value());
  NameFilter::Options options;
  options.case_sensitive = false;
  options.threshold = 0.9;
  EXPECT_TRUE(NameFilter({"CPU"}, options).Score("CpuSeconds").has_value());
  EXPECT_FALSE(NameFilter({"CS"}, options).Score("CpuSeconds").has_value());
}

TEST(NameFilter, JaroWinklerIsFuzzyOnlyWithAThreshold) {
  NameFilter::Options options;
  options.algorithm = FuzzyAlgorithm::kJaroWinkler;
  EXPECT_EQ(NameFilter({"cpu"}, options).Score("node_cpu"), 0.9);
  EXPECT_FALSE(NameFilter({"cup"}, options).Score("cpu").has_value());
  options.threshold = 0.5;
  EXPECT_TRUE(NameFilter({"cup"}, options).Score("cpu").has_value());
}

}  // namespace
}  // namespace vigil::web
