// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <tuple>
#include <utility>

#include "client-lib/base/strings.h"
#include "server/cli/command.h"
#include "server/cli/features.h"
#include "server/cli/file_names.h"

namespace vigil::cli {
namespace {

CheckResult PrintFailure(const std::vector<std::string>& errors, std::string_view indent) {
  std::fflush(stdout);
  std::fputs("  FAILED:\n", stderr);
  for (const std::string& error : errors) {
    std::fprintf(stderr, "%s%s\n", std::string(indent).c_str(), error.c_str());
  }
  std::fputs("\n", stdout);
  CheckResult result;
  result.errors = true;
  return result;
}

CheckResult CheckRuleFile(const rules::RuleFile& file, const LintOptions& options,
                          std::string_view indent) {
  if (!file.errors.empty()) return PrintFailure(file.errors, indent);
  if (options.duplicate_rules) {
    const std::string duplicates = DuplicateRules(file.groups);
    if (!duplicates.empty()) {
      PrintFailure({"lint error " + duplicates}, indent);
      CheckResult result;
      result.lint = true;
      return result;
    }
  }
  size_t count = 0;
  for (const rules::GroupSpec& group : file.groups) count += group.rules.size();
  std::printf("  SUCCESS: %zu rules found\n\n", count);
  return {};
}

}  // namespace

void LintFlags::AddTo(toolkit::FlagSet* flags, bool with_scrape) {
  flags->String("lint",
                std::string("Linting checks to apply. Available options are: all, "
                            "duplicate-rules, none") +
                    (with_scrape ? ", too-long-scrape-interval" : "") +
                    ". Use --lint=none to disable linting",
                &lint);
  flags->Bool("lint-fatal", "Make lint errors exit with exit code 3.", &fatal);
  flags->Bool("ignore-unknown-fields",
              "Ignore unknown fields in the rule files. Remove them before the server reads the "
              "rules: it is strict.",
              &ignore_unknown_fields);
  AddFeatureFlag(flags, &features);
}

LintOptions LintFlags::Parse() const {
  LintOptions options;
  options.duplicate_rules = false;
  for (const std::string_view word : Split(lint, ',')) {
    if (word == "all") {
      options.duplicate_rules = true;
      options.long_scrape_intervals = true;
    } else if (word == "duplicate-rules") {
      options.duplicate_rules = true;
    } else if (word == "too-long-scrape-interval") {
      options.long_scrape_intervals = true;
    } else if (word != "none") {
      std::printf("WARNING: unknown lint option %s\n", std::string(word).c_str());
    }
  }
  options.fatal = fatal;
  options.rules.parser = EngineWith(features).parser;
  options.rules.ignore_unknown_fields = ignore_unknown_fields;
  return options;
}

std::string DuplicateRules(const std::vector<rules::GroupSpec>& groups) {
  std::vector<const rules::RuleSpec*> all;
  for (const rules::GroupSpec& group : groups) {
    for (const rules::RuleSpec& rule : group.rules) all.push_back(&rule);
  }
  const auto key = [](const rules::RuleSpec* rule) { return std::tie(rule->name(), rule->labels); };
  std::stable_sort(all.begin(), all.end(),
                   [&key](const auto* a, const auto* b) { return key(a) < key(b); });
  size_t count = 0;
  std::string listed;
  for (size_t i = 1; i < all.size(); ++i) {
    // Each once, however often it is there.
    if (key(all[i]) != key(all[i - 1])) continue;
    if (i > 1 && key(all[i - 1]) == key(all[i - 2])) continue;
    ++count;
    listed += fmt::format("Metric: {}\nLabel(s):\n", all[i]->name());
    for (const auto& [name, value] : all[i]->labels)
      listed += fmt::format("\t{}: {}\n", name, value);
  }
  if (count == 0) return "";
  return fmt::format(
      "{} duplicate rule(s) found.\n{}Might cause inconsistency while recording "
      "expressions",
      count, listed);
}

CheckResult CheckRuleFiles(const std::vector<std::string>& paths, const LintOptions& options,
                           std::string_view indent) {
  CheckResult result;
  for (const std::string& path : paths) {
    std::printf("Checking %s\n", path.c_str());
    result.Add(CheckRuleFile(rules::ReadRuleFile(path, options.rules), options, indent));
  }
  return result;
}

int RunCheckRules(const std::vector<std::string>& args) {
  LintFlags lint;
  std::vector<std::string> files;
  toolkit::FlagSet flags("vigilctl check rules", "Check if the rule files are valid or not.");
  lint.AddTo(&flags, /*with_scrape=*/false);
  flags.Arguments("rule-files", "The rule files to check, default is read from standard input.",
                  &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  const LintOptions options = lint.Parse();
  CheckResult result;
  if (files.empty()) {
    std::puts("Checking standard input");
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    result = CheckRuleFile(rules::ParseRules(text, "<stdin>", options.rules), options, "");
  } else {
    result = CheckRuleFiles(files, options);
  }
  return result.ExitCode(options.fatal);
}

}  // namespace vigil::cli
