// SPDX-License-Identifier: Apache-2.0
// `vigilctl rules backfill`: flags, files, what came of each rule.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "client-lib/base/clock.h"
#include "server/cli/command.h"
#include "server/cli/features.h"
#include "server/cli/file_names.h"
#include "server/cli/rules_backfill.h"

namespace vigil::cli {
namespace {

Result<http::ClientResponse> FetchFromServer(http::ClientRequest request) {
  return http::Fetch(std::move(request));
}

Result<BackfillOptions> ParseSpan(const std::string& start, const std::string& end,
                                  DurationMs eval_interval) {
  BackfillOptions options;
  if (start.empty()) return BadData("required flag --start not provided");
  options.start = TRY_CONTEXT(ParseApiTime(start), "--start");
  options.end = Clock::System().Now();
  if (!end.empty()) options.end = TRY_CONTEXT(ParseApiTime(end), "--end");
  if (options.end < options.start) return BadData("start time is not before end time");
  if (options.start < 0) return BadData("--start is before 1970");
  if (eval_interval < 1) return BadData("--eval-interval must be positive");
  options.eval_interval = eval_interval;
  return options;
}

// Every file is read before anything is written.
Result<std::vector<rules::GroupSpec>> ReadGroups(const std::vector<std::string>& files,
                                                 const rules::RuleFileOptions& options) {
  std::vector<rules::GroupSpec> groups;
  for (const std::string& path : files) {
    rules::RuleFile file = rules::ReadRuleFile(path, options);
    if (!file.errors.empty()) return BadData(file.errors.front());
    for (rules::GroupSpec& group : file.groups) groups.push_back(std::move(group));
  }
  return groups;
}

// The exit code. A rule that fails does not keep the others from their turn.
int Backfill(const std::vector<rules::GroupSpec>& groups, RulesBackfill* backfill, bool quiet) {
  int code = 0;
  for (const rules::GroupSpec& group : groups) {
    for (const rules::RuleSpec& rule : group.rules) {
      if (rule.alerting()) continue;
      const Result<RulesBackfill::Done> done = backfill->Run(group, rule);
      const std::string name = fmt::format("group {}, rule {}", group.name, rule.record);
      if (!done) {
        std::fprintf(stderr, "vigilctl: error: %s: %s\n", name.c_str(),
                     done.error().message.c_str());
        code = 1;
      } else if (!quiet) {
        std::printf("%s: %llu samples of %llu series\n", name.c_str(),
                    static_cast<unsigned long long>(done->samples),
                    static_cast<unsigned long long>(done->series));
      }
    }
  }
  return code;
}

}  // namespace

int RunRulesBackfill(const std::vector<std::string>& args) {
  std::string url = "http://localhost:9090";
  std::string start;
  std::string end;
  DurationMs eval_interval = 60'000;
  bool quiet = false;
  std::vector<std::string> features;
  std::vector<std::string> files;
  toolkit::FlagSet flags(
      "vigilctl rules backfill",
      "Evaluates recording rules over the past of a running server and writes the results to it. "
      "Alerting rules are not evaluated. The server must run with "
      "--web.enable-remote-write-receiver and --storage.allow-backfill.");
  flags.String("url", "The server.", &url);
  flags.String("start",
               "The time to start backfilling from. RFC3339 date or Unix timestamp. Required.",
               &start);
  flags.String("end", "The time to end at; now when not given. RFC3339 date or Unix timestamp.",
               &end);
  flags.Duration("eval-interval",
                 "How frequently to evaluate rules of groups that have no interval.",
                 &eval_interval);
  flags.Bool("quiet", "Do not print what was written.", &quiet).Short('q');
  AddFeatureFlag(&flags, &features);
  flags.Arguments("rule-files", "Files with recording rules.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.empty()) return UsageError("required argument 'rule-files' not provided");
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  const Result<BackfillOptions> options = ParseSpan(start, end, eval_interval);
  if (!options) return UsageError(options.error().message);
  rules::RuleFileOptions rule_options;
  rule_options.parser = EngineWith(features).parser;
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "vigilctl: error: %s\n", error.message.c_str());
    return 1;
  };
  const auto groups = ReadGroups(files, rule_options);
  if (!groups) return fail(groups.error());
  const std::string server = ServerUrl(url);
  RemoteWriter writer({.url = server}, FetchFromServer, [](int64_t ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  });
  RulesBackfill backfill(
      *options,
      [&server](const std::string& path, const Pairs& pairs) {
        return AskApi(FetchFromServer, server, path, pairs);
      },
      &writer);
  if (const auto good = backfill.CheckServer(); !good) return fail(good.error());
  return Backfill(*groups, &backfill, quiet);
}

}  // namespace vigil::cli
