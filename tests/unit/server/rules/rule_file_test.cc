// SPDX-License-Identifier: Apache-2.0
// tests/scripts/rules/files: a rule file, and its errors or what was read.
#include "server/rules/rule_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "server/config/reader.h"
#include "server/rules/rule_fields.h"
#include "tests/support/script_cases.h"

namespace vigil::rules {
namespace {

std::string PairsText(const TextPairs& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) text += " " + name + "=" + Quote(value);
  return text;
}

std::vector<std::string> RunRuleFileCase(const testing_support::ScriptCase& one) {
  const RuleFile file = ParseRules(Join(one.input, "\n") + "\n", "r.yml");
  if (!file.errors.empty()) return file.errors;
  std::vector<std::string> out;
  for (const GroupSpec& group : file.groups) {
    std::string line = "group " + group.name + " of " + group.file + " every " +
                       FormatDuration(group.interval) + " limit " + std::to_string(group.limit);
    if (group.query_offset) line += " offset " + FormatDuration(*group.query_offset);
    out.push_back(line);
    for (const RuleSpec& rule : group.rules) {
      out.push_back((rule.alerting() ? "alert " : "record ") + rule.name() + " <- " +
                    promql::Print(*rule.parsed) + " for " + FormatDuration(rule.hold) + " keep " +
                    FormatDuration(rule.keep_firing_for) + PairsText(rule.labels) + " |" +
                    PairsText(rule.annotations));
    }
  }
  if (out.empty()) out.emplace_back("no groups");
  return out;
}

TEST(RuleFile, FollowsTheScripts) { testing_support::RunScripts("rules/files", &RunRuleFileCase); }

// A key that no script names is a key that nobody has tried.
template <typename T>
void ExpectRuleKeysAreTried(const std::string& script) {
  for (const config::Field<T>& field : config::FieldsOf<T>()) {
    EXPECT_NE(script.find(std::string(field.name) + ":"), std::string::npos) << field.name;
  }
}

TEST(RuleFile, EveryKeyIsTried) {
  const Result<std::string> script =
      ReadFile(std::string(VIGIL_SOURCE_DIR) + "/tests/scripts/rules/files/good.txt");
  ASSERT_TRUE(script);
  ExpectRuleKeysAreTried<WrittenFile>(*script);
  ExpectRuleKeysAreTried<GroupSpec>(*script);
  ExpectRuleKeysAreTried<RuleSpec>(*script);
}

TEST(RuleFile, LegacyNamesAreStricter) {
  const std::string text = "groups: [{name: g, rules: [{record: 'a.b', expr: up}]}]";
  EXPECT_TRUE(ParseRules(text, "r.yml").errors.empty());
  RuleFileOptions legacy;
  legacy.legacy_names = true;
  const RuleFile file = ParseRules(text, "r.yml", legacy);
  ASSERT_EQ(file.errors.size(), 1U);
  EXPECT_TRUE(file.errors[0].ends_with("invalid recording rule name: a.b")) << file.errors[0];
}

TEST(RuleFiles, GlobsAreReadInOrderAndEachFileOnce) {
  const std::filesystem::path dir = std::filesystem::path(::testing::TempDir()) / "rule_files";
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(MakeDirectories(dir.string()));
  for (const char* name : {"b", "a"}) {
    ASSERT_TRUE(WriteFileAtomically((dir / (std::string(name) + ".yml")).string(),
                                    "groups: [{name: " + std::string(name) + "}]"));
  }
  const std::string all = (dir / "*.yml").string();
  const auto groups = LoadRuleFiles({all, (dir / "a.yml").string(), (dir / "none.yml").string()});
  ASSERT_TRUE(groups) << groups.error().message;
  ASSERT_EQ(groups->size(), 2U);
  EXPECT_EQ((*groups)[0].name, "a");
  EXPECT_EQ((*groups)[1].name, "b");
  ASSERT_TRUE(WriteFileAtomically((dir / "b.yml").string(), "groups: [{}]"));
  const auto broken = LoadRuleFiles({all});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message,
            (dir / "b.yml").string() + ":1:10: Groupname must not be empty");
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace vigil::rules
