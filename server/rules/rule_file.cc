// SPDX-License-Identifier: Apache-2.0
#include "server/rules/rule_file.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <set>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "client-lib/model/labels.h"
#include "server/rules/alert_template.h"
#include "server/rules/rule_fields.h"

namespace vigil::rules {
namespace {

using config::YamlNode;

// Collects what is wrong with the rules of one file.
class RuleChecker {
 public:
  RuleChecker(const std::string& filename, const RuleFileOptions& options, RuleFile* out)
      : filename_(filename), options_(options), out_(out) {}

  void CheckGroups(const YamlNode& root);

 private:
  void Fail(const YamlNode& node, std::string_view what) {
    out_->errors.push_back(fmt::format("{}: {}", config::At(filename_, node.position), what));
  }
  void FailRule(const YamlNode& node, std::string_view what) {
    Fail(node,
         fmt::format("group {}, rule {}, {}: {}", Quote(group_), number_, Quote(name_), what));
  }
  // The value of the key, or the rule itself: where to point.
  const YamlNode& Spot(std::string_view key) const {
    const YamlNode* found = config::Find(*rule_node_, key);
    return found == nullptr ? *rule_node_ : *found;
  }

  void CheckGroup(const YamlNode& node, GroupSpec* group);
  void CheckRule(RuleSpec* rule);
  void CheckKind(const RuleSpec& rule);
  void CheckRecording(const RuleSpec& rule);
  void CheckExpression(RuleSpec* rule);
  void CheckLabels(const RuleSpec& rule);
  void CheckTemplates(const RuleSpec& rule);

  const std::string& filename_;
  const RuleFileOptions& options_;
  RuleFile* out_;
  const AlertTemplate::Functions functions_;
  std::set<std::string> group_names_;
  // Where the check stands.
  std::string group_;
  size_t number_ = 0;
  std::string name_;
  const YamlNode* rule_node_ = nullptr;
};

void RuleChecker::CheckGroups(const YamlNode& root) {
  const YamlNode* nodes = config::Find(root, "groups");
  for (size_t i = 0; i < out_->groups.size(); ++i) {
    CheckGroup(*nodes->items[i], &out_->groups[i]);
  }
}

void RuleChecker::CheckGroup(const YamlNode& node, GroupSpec* group) {
  group->file = filename_;
  group->position = node.position;
  if (group->name.empty()) Fail(node, "Groupname must not be empty");
  if (!group_names_.insert(group->name).second) {
    Fail(node, fmt::format("groupname: \"{}\" is repeated in the same file", group->name));
  }
  for (const auto& [name, value] : group->labels) {
    if (!IsUtf8Name(name) || name == kMetricName) {
      Fail(node, fmt::format("invalid label name: {}", name));
    }
    if (!IsValidUtf8(value)) Fail(node, fmt::format("invalid label value: {}", value));
  }
  group_ = group->name;
  const YamlNode* rules = config::Find(node, "rules");
  for (size_t i = 0; i < group->rules.size(); ++i) {
    RuleSpec& rule = group->rules[i];
    rule_node_ = rules->items[i].get();
    rule.position = rule_node_->position;
    rule.labels = rule.own_labels;
    rule.labels.insert(group->labels.begin(), group->labels.end());
    number_ = i + 1;
    name_ = rule.name();
    CheckRule(&rule);
  }
}

void RuleChecker::CheckRule(RuleSpec* rule) {
  CheckKind(*rule);
  CheckExpression(rule);
  if (!rule->record.empty()) CheckRecording(*rule);
  CheckLabels(*rule);
  if (rule->alerting()) CheckTemplates(*rule);
}

void RuleChecker::CheckKind(const RuleSpec& rule) {
  if (!rule.record.empty() && !rule.alert.empty()) {
    FailRule(Spot("record"), "only one of 'record' and 'alert' must be set");
  } else if (rule.record.empty() && rule.alert.empty()) {
    FailRule(Spot("record"), "one of 'record' or 'alert' must be set");
  }
}

void RuleChecker::CheckExpression(RuleSpec* rule) {
  if (rule->expr.empty()) {
    FailRule(Spot("expr"), "field 'expr' must be set in rule");
    return;
  }
  Result<promql::ExprPtr> parsed = promql::ParseExpr(rule->expr, options_.parser);
  if (!parsed) {
    FailRule(Spot("expr"), "could not parse expression: " + parsed.error().message);
    return;
  }
  rule->parsed = std::move(parsed).value();
}

void RuleChecker::CheckRecording(const RuleSpec& rule) {
  const YamlNode& spot = Spot("record");
  if (!rule.annotations.empty()) FailRule(spot, "invalid field 'annotations' in recording rule");
  if (rule.hold != 0) FailRule(spot, "invalid field 'for' in recording rule");
  if (rule.keep_firing_for != 0) {
    FailRule(spot, "invalid field 'keep_firing_for' in recording rule");
  }
  const bool valid =
      options_.legacy_names ? IsLegacyMetricName(rule.record) : IsUtf8Name(rule.record);
  if (!valid) {
    FailRule(spot, "invalid recording rule name: " + rule.record);
  } else if (rule.record.find_first_of("{}") != std::string::npos) {
    FailRule(spot,
             "braces present in the recording rule name; should it be in expr?: " + rule.record);
  }
}

void RuleChecker::CheckLabels(const RuleSpec& rule) {
  const auto good = [&](const std::string& name) {
    return options_.legacy_names ? IsLegacyLabelName(name) : IsUtf8Name(name);
  };
  for (const auto& [name, value] : rule.own_labels) {
    if (!good(name) || name == kMetricName) {
      FailRule(Spot("labels"), "invalid label name: " + name);
    }
    if (!IsValidUtf8(value)) FailRule(Spot("labels"), "invalid label value: " + value);
  }
  for (const auto& [name, value] : rule.annotations) {
    if (!good(name)) FailRule(Spot("annotations"), "invalid annotation name: " + name);
  }
}

void RuleChecker::CheckTemplates(const RuleSpec& rule) {
  const auto check = [&](std::string_view what, const TextPairs& pairs, const YamlNode& spot) {
    for (const auto& [name, text] : pairs) {
      const auto parsed = AlertTemplate::Create(functions_, rule.alert, text);
      if (parsed) continue;
      FailRule(spot, fmt::format("{} {}: {}", what, Quote(name), parsed.error().message));
    }
  };
  check("label", rule.labels, Spot("labels"));
  check("annotation", rule.annotations, Spot("annotations"));
}

}  // namespace

RuleFile ParseRules(std::string_view text, const std::string& filename,
                    const RuleFileOptions& options) {
  RuleFile out;
  const Result<config::YamlPtr> root = config::ParseYaml(text, filename);
  if (!root) {
    out.errors.push_back(root.error().message);
    return out;
  }
  if ((*root)->kind == YamlNode::Kind::kNull) return out;
  config::Reader reader(filename, DirName(filename));
  if (options.ignore_unknown_fields) reader.IgnoreUnknownFields();
  WrittenFile written;
  if (Result<void> read = config::ReadStruct(reader, **root, &written); !read) {
    out.errors.push_back(read.error().message);
    return out;
  }
  out.groups = std::move(written.groups);
  RuleChecker(filename, options, &out).CheckGroups(**root);
  return out;
}

RuleFile ReadRuleFile(const std::string& path, const RuleFileOptions& options) {
  const Result<std::string> text = ReadFile(path);
  if (text) return ParseRules(*text, path, options);
  RuleFile out;
  out.errors.push_back(text.error().message);
  return out;
}

Result<std::vector<GroupSpec>> LoadRuleFiles(const std::vector<std::string>& globs,
                                             const RuleFileOptions& options) {
  std::vector<std::string> paths;
  for (const std::string& pattern : globs) {
    glob_t found{};
    // A pattern that matches nothing is fine, a name without wildcards too: as upstream.
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) {
        if (std::find(paths.begin(), paths.end(), found.gl_pathv[i]) == paths.end()) {
          paths.emplace_back(found.gl_pathv[i]);
        }
      }
    }
    globfree(&found);
  }
  std::vector<GroupSpec> groups;
  for (const std::string& path : paths) {
    RuleFile file = ReadRuleFile(path, options);
    if (!file.errors.empty()) return BadData(std::move(file.errors.front()));
    std::move(file.groups.begin(), file.groups.end(), std::back_inserter(groups));
  }
  return groups;
}

}  // namespace vigil::rules
