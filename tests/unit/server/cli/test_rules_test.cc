// SPDX-License-Identifier: Apache-2.0
#include "server/cli/test_rules.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "client-lib/base/strings.h"
#include "tests/support/script_cases.h"

namespace vigil::cli {
namespace {

// A folder of files that ends with the test.
class RuleTestFolder {
 public:
  RuleTestFolder() : path_(testing::TempDir() + "rule_tests") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~RuleTestFolder() { std::filesystem::remove_all(path_); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }
  [[nodiscard]] std::string File(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

std::vector<std::string> RunScriptedTests(const testing_support::ScriptCase& one) {
  const RuleTestFolder folder;
  std::string name;
  std::string text;
  for (const std::string& line : one.input) {
    if (!line.starts_with("=== ")) {
      text += line + "\n";
      continue;
    }
    if (!name.empty()) folder.Write(name, text);
    name = line.substr(4);
    text.clear();
  }
  folder.Write(name, text);
  const TestRulesReport report = TestRuleFile(folder.File("test.yml"), {});
  std::vector<std::string> lines;
  for (std::string error : report.errors) {
    if (error.starts_with(folder.path())) error.replace(0, folder.path().size(), "DIR");
    for (const std::string_view line : Split(error, '\n')) lines.emplace_back(line);
  }
  if (lines.empty()) lines.emplace_back("ok");
  return lines;
}

TEST(TestRules, Scripts) { testing_support::RunScripts("cli/test_rules", RunScriptedTests); }

TEST(TestRules, RunsWhatIsNamed) {
  const RuleTestFolder folder;
  folder.Write("t.yml",
               "tests:\n- {name: one, promql_expr_test: [{expr: '1'}]}\n- {name: two}\n- {}\n");
  TestRulesOptions options;
  options.run = Regexp::Compile(".*(?:wo|x).*").value();
  TestRulesReport report = TestRuleFile(folder.File("t.yml"), options);
  EXPECT_EQ(report.errors, std::vector<std::string>());
  ASSERT_EQ(report.junit.cases.size(), 1U);
  EXPECT_EQ(report.junit.cases[0].name, "two");
  options.run.reset();
  report = TestRuleFile(folder.File("t.yml"), options);
  ASSERT_EQ(report.junit.cases.size(), 3U);
  EXPECT_EQ(report.junit.cases[0].failures.size(), 1U);
  EXPECT_EQ(report.junit.cases[2].name, "unnamed#2");
}

TEST(TestRules, ShowsAllSamplesOnDemand) {
  const RuleTestFolder folder;
  folder.Write("t.yml",
               "tests:\n- name: one\n  interval: 1m\n  input_series:\n"
               "  - {series: a, values: '1 stale 3 {{count:1}}'}\n"
               "  promql_expr_test: [{expr: a, eval_time: 3m}]\n");
  TestRulesOptions options;
  options.debug = true;
  const TestRulesReport report = TestRuleFile(folder.File("t.yml"), options);
  EXPECT_EQ(report.debug.substr(0, report.debug.find("DEBUG: Test one finished")),
            "DEBUG: Starting test one\n"
            "DEBUG: Dump of all data (input_series and rules) at 3m1s:\n"
            "{__name__=\"a\"} =>\n1 @[0]\n3 @[120000]\n{count:1, sum:0} @[180000]\n");
}

TEST(TestRules, SaysWhenAFileIsMissing) {
  const TestRulesReport report = TestRuleFile("/nonexistent/t.yml", {});
  ASSERT_EQ(report.errors.size(), 1U);
  ASSERT_EQ(report.junit.cases.size(), 1U);
  EXPECT_EQ(report.junit.cases[0].error, report.errors[0]);
}

}  // namespace
}  // namespace vigil::cli
