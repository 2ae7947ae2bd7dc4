// SPDX-License-Identifier: Apache-2.0
#include "server/cli/check_config.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/cli/check_rules.h"
#include "server/cli/command.h"
#include "server/cli/file_names.h"
#include "server/config/loader.h"
#include "server/config/validate.h"

namespace vigil::cli {
namespace {

Result<void> ExpectNamed(const std::string& path, std::string_view what) {
  if (path.empty() || FileExists(path)) return Ok();
  return BadData(fmt::format("error checking {} {}: stat {}: no such file or directory", what,
                             Quote(path), path));
}

Result<void> CheckHttpFiles(const config::HttpClientConfig& http) {
  TRY(ExpectNamed(http.authorization.credentials_file,
                  "authorization credentials or bearer token file"));
  TRY(ExpectNamed(http.basic_auth.username_file, "username file"));
  TRY(ExpectNamed(http.basic_auth.password_file, "password file"));
  TRY(ExpectNamed(http.tls_config.ca_file, "ca file"));
  TRY(ExpectNamed(http.tls_config.cert_file, "client cert file"));
  return ExpectNamed(http.tls_config.key_file, "client key file");
}

// `where` has a file_sd that finds nothing. bare: addresses are used as they stand there.
Result<void> CheckDiscoveryFiles(const config::DiscoveryConfig& found, const std::string& where,
                                 bool bare, std::vector<std::string>* warnings) {
  for (const config::FileSdConfig& discovery : found.file_sd_configs) {
    for (const std::string& pattern : discovery.files) {
      const std::vector<std::string> paths = Glob(pattern);
      if (paths.empty()) {
        warnings->push_back(fmt::format("file {} for file_sd in {} does not exist",
                                        Quote(CleanPath(pattern)), where));
      }
      for (const std::string& path : paths) {
        const std::string context = "checking SD file " + Quote(CleanPath(pattern));
        const std::string text = TRY_CONTEXT(ReadFile(path), context);
        for (const config::StaticConfig& group :
             TRY_CONTEXT(config::ParseTargetGroups(text, path), context)) {
          for (const std::string& target : group.targets) {
            if (bare) TRY(config::CheckTargetAddress(target));
          }
        }
      }
    }
  }
  return Ok();
}

// Points that are further apart than a query looks back look stale in between.
bool LintScrapeIntervals(const config::Config& config, DurationMs lookback_ms) {
  bool good = true;
  for (const config::ScrapeConfig& job : config.scrape_configs) {
    if (job.scrape_interval < lookback_ms) continue;
    std::fflush(stdout);
    std::fprintf(stderr,
                 "  FAILED: too long scrape interval found, data point will be marked as stale - "
                 "job: %s, interval: %s\n",
                 job.job_name.c_str(), FormatDuration(job.scrape_interval).c_str());
    good = false;
  }
  return good;
}

struct CheckConfigOptions {
  bool syntax_only = false;
  bool agent = false;
  DurationMs lookback_ms = 5 * 60 * 1000;
  LintOptions lint;
};

CheckResult CheckConfigFile(const std::string& path, const CheckConfigOptions& options) {
  CheckResult result;
  std::printf("Checking %s\n", path.c_str());
  const auto fail = [&result](const Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "  FAILED: %s\n", error.message.c_str());
    std::fputs("\n", stdout);
    result.errors = true;
    return result;
  };
  config::LoadOptions load;
  load.agent = options.agent;
  Result<config::Config> loaded = config::LoadFile(path, load);
  if (!loaded) return fail(loaded.error());
  std::vector<std::string> warnings = loaded->not_supported_yet;
  std::vector<std::string> rule_files;
  if (!options.syntax_only) {
    auto found = CheckNamedFiles(*loaded, &warnings);
    if (!found) return fail(found.error());
    rule_files = *std::move(found);
  }
  for (const std::string& warning : warnings) std::printf("  WARNING: %s\n", warning.c_str());
  if (!rule_files.empty()) std::printf("  SUCCESS: %zu rule files found\n", rule_files.size());
  std::printf(" SUCCESS: %s is valid prometheus config file syntax\n\n", path.c_str());
  if (options.syntax_only) return result;
  if (options.lint.long_scrape_intervals) {
    result.lint = !LintScrapeIntervals(*loaded, options.lookback_ms);
  }
  LintOptions lint = options.lint;
  lint.rules.legacy_names = loaded->global.metric_name_validation_scheme == "legacy";
  result.Add(CheckRuleFiles(rule_files, lint, "     "));
  return result;
}

}  // namespace

Result<std::vector<std::string>> CheckNamedFiles(const config::Config& config,
                                                 std::vector<std::string>* warnings) {
  std::vector<std::string> rule_files;
  for (const std::string& pattern : config.rule_files) {
    const std::vector<std::string> paths = Glob(pattern);
    if (paths.empty() && pattern.find('*') == std::string::npos) {
      return BadData(Quote(CleanPath(pattern)) + " does not point to an existing file");
    }
    rule_files.insert(rule_files.end(), paths.begin(), paths.end());
  }
  for (const config::ScrapeConfig& job : config.scrape_configs) {
    TRY(CheckHttpFiles(job.http));
    TRY(CheckDiscoveryFiles(job, "scrape job " + Quote(job.job_name), false, warnings));
  }
  for (const config::AlertmanagerConfig& block : config.alerting.alertmanagers) {
    TRY(CheckDiscoveryFiles(block, "alertmanager config", block.relabel_configs.empty(), warnings));
  }
  return rule_files;
}

int RunCheckConfig(const std::vector<std::string>& args) {
  CheckConfigOptions options;
  LintFlags lint;
  std::vector<std::string> files;
  toolkit::FlagSet flags("vigilctl check config", "Check if the config files are valid or not.");
  flags.Bool("syntax-only",
             "Only check the config file syntax, ignoring file and content validation referenced "
             "in the config",
             &options.syntax_only);
  flags.Bool("agent", "Check config file for Prometheus in Agent mode.", &options.agent);
  flags.Duration("query.lookback-delta", "The server's maximum query lookback duration.",
                 &options.lookback_ms);
  lint.AddTo(&flags, /*with_scrape=*/true);
  flags.Arguments("config-files", "The config files to check.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  if (files.empty()) return UsageError("required argument 'config-files' not provided");
  if (const auto good = ExpectFiles(files); !good) return UsageError(good.error().message);
  options.lint = lint.Parse();
  CheckResult result;
  for (const std::string& path : files) result.Add(CheckConfigFile(path, options));
  return result.ExitCode(options.lint.fatal);
}

}  // namespace vigil::cli
