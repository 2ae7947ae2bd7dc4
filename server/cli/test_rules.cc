// SPDX-License-Identifier: Apache-2.0
#include "server/cli/test_rules.h"

#include <fmt/format.h>

#include <cstdio>
#include <iterator>
#include <set>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "server/cli/command.h"
#include "server/cli/features.h"
#include "server/cli/file_names.h"
#include "server/cli/rule_test.h"
#include "server/rules/rule_file.h"

namespace vigil::cli {
namespace {

// Everything about the file that its tests share; what is wrong is in the report then.
std::optional<RuleTestSettings> SettingsOf(const RuleTestFile& file, const std::string& directory,
                                           const TestRulesOptions& options,
                                           TestRulesReport* report) {
  RuleTestSettings settings;
  settings.evaluation_interval = file.evaluation_interval == 0 ? 60'000 : file.evaluation_interval;
  settings.group_eval_order = file.group_eval_order;
  settings.fuzzy_compare = file.fuzzy_compare;
  settings.diff = options.diff;
  settings.engine = options.engine;
  std::set<std::string> names;
  for (const std::string& name : file.group_eval_order) {
    if (names.insert(name).second) continue;
    report->errors.push_back("group name repeated in evaluation order: " + name);
    return std::nullopt;
  }
  if (file.tests.empty()) return settings;
  rules::RuleFileOptions rule_options;
  rule_options.parser = options.engine.parser;
  rule_options.ignore_unknown_fields = options.ignore_unknown_fields;
  std::set<std::string> read;
  for (const std::string& pattern : file.rule_files) {
    const std::string resolved = pattern.empty() ? "" : CleanPath(ResolvePath(directory, pattern));
    const std::vector<std::string> paths = Glob(resolved);
    if (paths.empty()) {
      report->warnings.push_back("  WARNING: no file match pattern " + resolved);
    }
    for (const std::string& path : paths) {
      if (!read.insert(path).second) continue;
      rules::RuleFile rule_file = rules::ReadRuleFile(path, rule_options);
      report->errors.insert(report->errors.end(), rule_file.errors.begin(), rule_file.errors.end());
      std::move(rule_file.groups.begin(), rule_file.groups.end(),
                std::back_inserter(settings.groups));
    }
  }
  if (!report->errors.empty()) return std::nullopt;
  return settings;
}

void RunTests(const RuleTestFile& file, const RuleTestSettings& settings,
              const TestRulesOptions& options, TestRulesReport* report) {
  for (size_t i = 0; i < file.tests.size(); ++i) {
    const RuleTest& test = file.tests[i];
    if (options.run && !options.run->Matches(test.name)) continue;
    JunitCase& junit = report->junit.cases.emplace_back();
    junit.name = test.name.empty() ? fmt::format("unnamed#{}", i) : test.name;
    const int64_t begun_ns = Clock::System().MonotonicNs();
    RuleTestRun run(test, settings);
    junit.failures = run.Run();
    report->errors.insert(report->errors.end(), junit.failures.begin(), junit.failures.end());
    if (!options.debug) continue;
    report->debug +=
        fmt::format("DEBUG: Starting test {}\n{}DEBUG: Test {} finished, took {}\n", junit.name,
                    run.DebugText(), junit.name,
                    FormatGoDuration((Clock::System().MonotonicNs() - begun_ns) / 1'000'000));
  }
}

void Print(const TestRulesReport& report) {
  std::fflush(stdout);
  for (const std::string& warning : report.warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  std::fputs(report.debug.c_str(), stdout);
  if (report.errors.empty()) {
    std::fputs("  SUCCESS\n\n", stdout);
    return;
  }
  std::fflush(stdout);
  std::fputs("  FAILED:\n", stderr);
  for (const std::string& error : report.errors) {
    std::fprintf(stderr, "%s\n", error.c_str());
    std::fputs("\n", stdout);
    std::fflush(stdout);
  }
  std::fputs("\n", stdout);
}

Result<std::optional<Regexp>> RunPattern(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return std::optional<Regexp>();
  // Anywhere in the name.
  const std::string pattern = ".*(?:" + Join(patterns, "|") + ").*";
  return std::optional<Regexp>(TRY_CONTEXT(Regexp::Compile(pattern), "--run"));
}

}  // namespace

TestRulesReport TestRuleFile(const std::string& path, const TestRulesOptions& options) {
  TestRulesReport report;
  report.junit.name = path;
  report.junit.timestamp = FormatRfc3339(Clock::System().Now()).substr(0, 19);
  const Result<std::string> text = ReadFile(path);
  Result<RuleTestFile> file = text ? ParseRuleTests(*text, path, options.ignore_unknown_fields)
                                   : Result<RuleTestFile>(text.error());
  if (!file) {
    report.errors.push_back(file.error().message);
  } else if (const auto settings = SettingsOf(*file, DirName(path), options, &report)) {
    RunTests(*file, *settings, options, &report);
    return report;
  }
  report.junit.cases.push_back({"unknown", {}, Join(report.errors, "\n")});
  return report;
}

int RunTestRules(const std::vector<std::string>& args) {
  TestRulesOptions options;
  std::vector<std::string> features;
  std::vector<std::string> run;
  std::vector<std::string> files;
  std::string junit_path;
  toolkit::FlagSet flags("vigilctl test rules", "Unit tests for rules.");
  flags.Strings("run",
                "If set, will only run test groups whose names match the regular expression. Can "
                "be specified multiple times.",
                &run);
  flags.Bool("debug", "Enable unit test debugging.", &options.debug);
  flags.Bool("diff", "Print colored differential output between expected & received output.",
             &options.diff);
  flags.Bool("ignore-unknown-fields",
             "Ignore unknown fields in the test files and rule files. Remove them before the "
             "server reads the rules: it is strict.",
             &options.ignore_unknown_fields);
  flags.String("junit", "File path to store JUnit XML test results.", &junit_path);
  AddFeatureFlag(&flags, &features);
  flags.Arguments("test-rule-file", "The unit test file.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.empty()) return UsageError("required argument 'test-rule-file' not provided");
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  Result<std::optional<Regexp>> pattern = RunPattern(run);
  if (!pattern) return UsageError(pattern.error().message);
  options.run = *std::move(pattern);
  options.engine = EngineWith(features);
  // Rules that fail are reported as failures of their test.
  if (const auto quiet = log::Configure("error", "logfmt"); !quiet) return 1;
  bool failed = false;
  std::vector<JunitSuite> suites;
  for (const std::string& path : files) {
    std::printf("Unit Testing:  %s\n", path.c_str());
    TestRulesReport report = TestRuleFile(path, options);
    Print(report);
    failed = failed || !report.errors.empty();
    suites.push_back(std::move(report.junit));
  }
  if (!junit_path.empty()) {
    if (const auto written = WriteFileAtomically(junit_path, JunitXml(suites)); !written) {
      std::fprintf(stderr, "failed to write JUnit XML: %s\n", written.error().message.c_str());
    }
  }
  return failed ? 1 : 0;
}

}  // namespace vigil::cli
