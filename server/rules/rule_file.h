// SPDX-License-Identifier: Apache-2.0
// Rule files: groups of recording and alerting rules, as plain values with their expressions
// parsed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "server/config/yaml_node.h"
#include "server/promql/ast.h"
#include "server/promql/parser.h"

namespace vigil::rules {

// Labels and annotations as they are written: values may be templates, or empty.
using TextPairs = std::map<std::string, std::string>;

struct RuleSpec {
  std::string record;  // one of the two is set
  std::string alert;
  std::string expr;  // as written
  std::shared_ptr<const promql::Expr> parsed;
  DurationMs hold = 0;  // `for`
  DurationMs keep_firing_for = 0;
  TextPairs labels;      // the group's, and over them the rule's; an empty value deletes
  TextPairs own_labels;  // the rule's alone
  TextPairs annotations;
  config::Position position;  // of the rule in its file

  [[nodiscard]] bool alerting() const { return !alert.empty(); }
  [[nodiscard]] const std::string& name() const { return alerting() ? alert : record; }
};

struct GroupSpec {
  std::string name;
  std::string file;
  DurationMs interval = 0;                 // 0: the global evaluation_interval
  std::optional<DurationMs> query_offset;  // none: the global rule_query_offset
  int64_t limit = 0;                       // 0: none
  TextPairs labels;
  std::vector<RuleSpec> rules;
  config::Position position;
};

struct RuleFileOptions {
  promql::ParserOptions parser;
  bool legacy_names = false;  // metric_name_validation_scheme: legacy
  bool ignore_unknown_fields = false;
};

// What a file holds, or all that is wrong with it: as upstream says it, file and position in
// front: `rules.yml:8:14: group "g", rule 2, "HighAlert": could not parse expression: 1:1: ...`.
struct RuleFile {
  std::vector<GroupSpec> groups;
  std::vector<std::string> errors;  // not empty: the groups are of no use
};

// Strict YAML of one document; anchors, aliases and merge keys may be used.
RuleFile ParseRules(std::string_view text, const std::string& filename,
                    const RuleFileOptions& options = {});
// The same of a file; the error also when it cannot be read.
RuleFile ReadRuleFile(const std::string& path, const RuleFileOptions& options = {});

// The groups of all files that the globs match, each file once, in order. bad_data: the first
// problem of the first file that has one.
Result<std::vector<GroupSpec>> LoadRuleFiles(const std::vector<std::string>& globs,
                                             const RuleFileOptions& options = {});

}  // namespace vigil::rules
