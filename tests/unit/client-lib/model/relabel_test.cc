// SPDX-License-Identifier: Apache-2.0
// Runs the relabel scripts:
//   rule action=replace source_labels="a,b" target_label=c      (one or more, any field)
//   labels a="1" b="2"                                          (one or more; each is relabelled)
//   > {a="1", ...}   |   > dropped   |   > error: text
#include "client-lib/model/relabel.h"

#include <gtest/gtest.h>

#include "tests/support/script_cases.h"

namespace vigil {
namespace {

using testing_support::ScriptCase;
using Words = std::vector<std::pair<std::string, std::string>>;

// key=value key="quoted value" ... with the escapes \\ \" \n \xNN.
Words ParseWords(std::string_view text) {
  Words words;
  size_t i = 0;
  while (i < text.size()) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    const size_t equal = text.find('=', i);
    words.emplace_back(text.substr(i, equal - i), "");
    std::string& value = words.back().second;
    i = equal + 1;
    if (i < text.size() && text[i] == '"') {
      for (++i; text[i] != '"'; ++i) {
        if (text[i] != '\\') {
          value += text[i];
        } else if (text[++i] == 'x') {
          value += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
          i += 2;
        } else {
          value += text[i] == 'n' ? '\n' : text[i];
        }
      }
      ++i;
    } else {
      const size_t end = std::min(text.find(' ', i), text.size());
      value = text.substr(i, end - i);
      i = end;
    }
  }
  return words;
}

Result<RelabelRule> MakeRule(const Words& words) {
  RelabelFields fields;
  for (const auto& [key, value] : words) {
    if (key == "action") fields.action = TRY(ParseRelabelAction(value));
    if (key == "separator") fields.separator = value;
    if (key == "regex") fields.regex = value;
    if (key == "modulus") fields.modulus = *ParseUint(value);
    if (key == "target_label") fields.target_label = value;
    if (key == "replacement") fields.replacement = value;
    if (key == "source_labels") {
      for (const std::string_view name : Split(value, ',')) fields.source_labels.emplace_back(name);
    }
  }
  return RelabelRule::Create(fields);
}

std::vector<std::string> RunRelabelCase(const ScriptCase& one) {
  std::vector<std::string> out;
  std::vector<RelabelRule> rules;
  for (const std::string& line : one.input) {
    const Words words = ParseWords(std::string_view(line).substr(line.find(' ') + 1));
    if (line.starts_with("rule ")) {
      Result<RelabelRule> rule = MakeRule(words);
      if (!rule) return {"error: " + rule.error().message};
      rules.push_back(*std::move(rule));
      continue;
    }
    LabelsBuilder labels;
    for (const auto& [key, value] : words) labels.Set(key, value);
    out.push_back(Relabel(rules, &labels) ? labels.Build().ToString() : "dropped");
  }
  if (out.empty()) out.emplace_back("ok");
  return out;
}

TEST(Relabel, Scripts) { testing_support::RunScripts("relabel", RunRelabelCase); }

TEST(Relabel, EveryActionHasItsName) {
  for (int i = 0; i <= static_cast<int>(RelabelAction::kUppercase); ++i) {
    const auto action = static_cast<RelabelAction>(i);
    EXPECT_EQ(*ParseRelabelAction(RelabelActionName(action)), action);
  }
}

}  // namespace
}  // namespace vigil
