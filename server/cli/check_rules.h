// SPDX-License-Identifier: Apache-2.0
// `vigilctl check rules`: rule files are read as the server does, and linted, with promtool's
// output and exit codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/toolkit/flags.h"
#include "server/rules/rule_file.h"

namespace vigil::cli {

// What --lint and its companions say.
struct LintOptions {
  bool duplicate_rules = true;
  bool long_scrape_intervals = false;
  bool fatal = false;
  rules::RuleFileOptions rules;
};

// --lint, --lint-fatal, --ignore-unknown-fields, --enable-feature as written.
struct LintFlags {
  std::string lint = "duplicate-rules";
  bool fatal = false;
  bool ignore_unknown_fields = false;
  std::vector<std::string> features;

  // with_scrape: too-long-scrape-interval may be asked for.
  void AddTo(toolkit::FlagSet* flags, bool with_scrape);
  // Unknown words of --lint are named on stdout and let pass, as promtool does.
  [[nodiscard]] LintOptions Parse() const;
};

// 1: something is broken, 3: it is only lint, which is fatal.
struct CheckResult {
  bool errors = false;
  bool lint = false;

  void Add(const CheckResult& other) {
    errors = errors || other.errors;
    lint = lint || other.lint;
  }
  [[nodiscard]] int ExitCode(bool lint_is_fatal) const {
    return errors ? 1 : lint && lint_is_fatal ? 3 : 0;
  }
};

// Rules with the same name and labels, in promtool's words; empty when there are none.
std::string DuplicateRules(const std::vector<rules::GroupSpec>& groups);

// Checks and prints: what is good to stdout, what is not to stderr, each line behind `indent`.
CheckResult CheckRuleFiles(const std::vector<std::string>& paths, const LintOptions& options,
                           std::string_view indent = "");

// The command; args are the words behind `check rules`. The exit code.
int RunCheckRules(const std::vector<std::string>& args);

}  // namespace vigil::cli
