// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace vigil::cli {
namespace {

std::string Lint(const std::string& text) {
  const rules::RuleFile file = rules::ParseRules(text, "r.yml");
  EXPECT_TRUE(file.errors.empty()) << file.errors.front();
  return DuplicateRules(file.groups);
}

TEST(CheckRules, ListsEachDuplicateOnce) {
  EXPECT_EQ(Lint("groups:\n- name: g\n  rules:\n"
                 "  - {record: b, expr: up, labels: {y: z}}\n"
                 "  - {record: a, expr: up}\n"
                 "  - {record: b, expr: up}\n"
                 "  - {record: b, expr: down, labels: {y: z}}\n"
                 "  - {alert: a, expr: up}\n"
                 "- name: h\n  labels: {y: z}\n  rules: [{record: b, expr: up}]\n"),
            "2 duplicate rule(s) found.\n"
            "Metric: a\nLabel(s):\n"
            "Metric: b\nLabel(s):\n\ty: z\n"
            "Might cause inconsistency while recording expressions");
  EXPECT_EQ(Lint("groups: [{name: g, rules: [{record: a, expr: up}]}]"), "");
  EXPECT_EQ(Lint(""), "");
}

TEST(CheckRules, ReadsWhatToLint) {
  LintFlags flags;
  EXPECT_TRUE(flags.Parse().duplicate_rules);
  EXPECT_FALSE(flags.Parse().long_scrape_intervals);
  flags.lint = "none";
  EXPECT_FALSE(flags.Parse().duplicate_rules);
  flags.lint = "too-long-scrape-interval";
  EXPECT_FALSE(flags.Parse().duplicate_rules);
  EXPECT_TRUE(flags.Parse().long_scrape_intervals);
  flags.lint = "all";
  EXPECT_TRUE(flags.Parse().duplicate_rules);
  EXPECT_TRUE(flags.Parse().long_scrape_intervals);
}

TEST(CheckRules, LintAloneIsFatalOnDemand) {
  CheckResult lint;
  lint.lint = true;
  EXPECT_EQ(lint.ExitCode(false), 0);
  EXPECT_EQ(lint.ExitCode(true), 3);
  CheckResult both;
  both.errors = true;
  both.Add(lint);
  EXPECT_EQ(both.ExitCode(true), 1);
  EXPECT_EQ(CheckResult().ExitCode(true), 0);
}

}  // namespace
}  // namespace vigil::cli
