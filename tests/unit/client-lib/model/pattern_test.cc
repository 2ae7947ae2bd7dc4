// SPDX-License-Identifier: Apache-2.0
// What is read out of patterns; that it is true is checked against RE2 in matcher_test.cc.
#include "client-lib/model/pattern.h"

#include <gtest/gtest.h>

namespace vigil {
namespace {

// One line per branch: its text and how it goes on.
std::string BranchesOf(std::string_view pattern) {
  std::string out;
  for (const PatternBranch& branch : ExpandPattern(pattern)) {
    if (!out.empty()) out += ' ';
    out += "'" + branch.text + "'";
    constexpr const char* kTails[] = {"", ".*", ".+", "?"};
    out += kTails[static_cast<size_t>(branch.tail)];
  }
  return out;
}

TEST(Pattern, BranchesAreSortedAndNoneCoversAnother) {
  EXPECT_EQ(BranchesOf("b|a.*|c.+|a"), "'a'.* 'b' 'c'.+");
  EXPECT_EQ(BranchesOf("ab|a.+|a"), "'a'.*");
  EXPECT_EQ(BranchesOf("a|ab.*"), "'a' 'ab'.*");
  EXPECT_EQ(BranchesOf("x.*|"), "'' 'x'.*");
}

TEST(Pattern, GroupsAndClassesMultiply) {
  EXPECT_EQ(BranchesOf("(a|b)[01]"), "'a0' 'a1' 'b0' 'b1'");
  EXPECT_EQ(BranchesOf("h(a(b|c)?)-.*"), "'ha-'.* 'hab-'.* 'hac-'.*");
  EXPECT_EQ(BranchesOf("10\\.0\\.[0-1]\\.\\d+"), "'10.0.0.'? '10.0.1.'?");
}

TEST(Pattern, OneUnknownBranchLeavesPrefixes) {
  EXPECT_EQ(BranchesOf("a.b|c.*|ab"), "'a'? 'c'.*");
  EXPECT_EQ(BranchesOf("(a|b)+c"), "'a'? 'b'?");
  EXPECT_EQ(BranchesOf("(a|b)*c"), "''?");
}

TEST(Pattern, WhatIsNotUnderstoodIsLeftToRe2) {
  EXPECT_EQ(BranchesOf("(?i)a"), "''?");
  EXPECT_EQ(BranchesOf("abc{2}"), "'ab'?");
  EXPECT_EQ(BranchesOf("ab[[:digit:]]"), "'ab'?");
  EXPECT_EQ(BranchesOf("a\\bx"), "'a'?");
  EXPECT_EQ(BranchesOf("a^b|c"), "''?");
  EXPECT_EQ(BranchesOf("\xff"), "''?");
}

TEST(Pattern, ExpansionIsBounded) {
  std::string pattern;
  for (int i = 0; i < 20; ++i) pattern += "[a-j]";
  EXPECT_EQ(ExpandPattern(pattern).size(), 1'000U);
  EXPECT_EQ(ExpandPattern(std::string(100, '(') + "a" + std::string(100, ')')).size(), 1U);
}

}  // namespace
}  // namespace vigil
