// SPDX-License-Identifier: Apache-2.0
// vigilctl: what promtool and amtool do, for Vigil. Adding a command is a row of the table.
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/strings.h"
#include "exporters/toolkit/version.h"
#include "server/cli/alert.h"
#include "server/cli/analyze.h"
#include "server/cli/check_config.h"
#include "server/cli/check_discovery.h"
#include "server/cli/check_metrics.h"
#include "server/cli/check_rules.h"
#include "server/cli/check_server.h"
#include "server/cli/debug.h"
#include "server/cli/import.h"
#include "server/cli/promql_command.h"
#include "server/cli/push.h"
#include "server/cli/query.h"
#include "server/cli/receiver.h"
#include "server/cli/routing.h"
#include "server/cli/rules_backfill.h"
#include "server/cli/silence.h"
#include "server/cli/template_render.h"
#include "server/cli/test_rules.h"

namespace {

using Args = std::vector<std::string>;

struct Command {
  std::string_view words;
  std::string_view help;
  int (*run)(const Args& args);
};

constexpr std::array kCommands = {
    Command{"check config", "Check if the config files are valid or not.",
            vigil::cli::RunCheckConfig},
    Command{"check alerting-config", "Check if alertmanager.yml files are valid or not.",
            vigil::cli::RunCheckAlertingConfig},
    Command{"check rules", "Check if the rule files are valid or not.", vigil::cli::RunCheckRules},
    Command{"check metrics", "Lint metrics from the standard input.", vigil::cli::RunCheckMetrics},
    Command{"check web-config", "Check if the web config files are valid or not.",
            vigil::cli::RunCheckWebConfig},
    Command{"check service-discovery", "Show a job's targets before and after relabelling.",
            vigil::cli::RunCheckDiscovery},
    Command{"check healthy", "Check if the server is healthy.", vigil::cli::RunCheckHealthy},
    Command{"check ready", "Check if the server is ready.", vigil::cli::RunCheckReady},
    Command{"test rules", "Unit tests for rules.", vigil::cli::RunTestRules},
    Command{"debug metrics", "Fetch metrics debug information.", vigil::cli::RunDebugMetrics},
    Command{"debug all", "Fetch all debug information.", vigil::cli::RunDebugAll},
    Command{"debug pprof", "Say what there is instead of profiles.", vigil::cli::RunDebugPprof},
    Command{"rules backfill", "Evaluate recording rules over the past of a server.",
            vigil::cli::RunRulesBackfill},
    Command{"import", "Send a file of samples with timestamps to a server.", vigil::cli::RunImport},
    Command{"push metrics", "Push a page of metrics to a server by remote write.",
            vigil::cli::RunPushMetrics},
    Command{"promql format", "Format PromQL query to pretty printed form.",
            vigil::cli::RunPromqlFormat},
    Command{"promql label-matchers", "Edit label matchers of a PromQL query: set, delete.",
            vigil::cli::RunPromqlLabelMatchers},
    Command{"query instant", "Run instant query.",
            [](const Args& args) { return vigil::cli::RunQuery("instant", args); }},
    Command{"query range", "Run range query.",
            [](const Args& args) { return vigil::cli::RunQuery("range", args); }},
    Command{"query analyze", "Show how the buckets of histograms are used.",
            vigil::cli::RunAnalyze},
    Command{"query explain", "Run a query and show what each part of it costs.",
            [](const Args& args) { return vigil::cli::RunQuery("explain", args); }},
    Command{"query running", "List the queries that run.",
            [](const Args& args) { return vigil::cli::RunQuery("running", args); }},
    Command{"query cancel", "End a query that runs.",
            [](const Args& args) { return vigil::cli::RunQuery("cancel", args); }},
    Command{"query series", "Run series query.",
            [](const Args& args) { return vigil::cli::RunQuery("series", args); }},
    Command{"query labels", "Run labels query.",
            [](const Args& args) { return vigil::cli::RunQuery("labels", args); }},
    // A command of one word behind those of two that begin with it.
    Command{"alert add", "Add a new alert.", vigil::cli::RunAlertAdd},
    Command{"alert query", "View and search through current alerts.", vigil::cli::RunAlertQuery},
    Command{"alert", "The same.", vigil::cli::RunAlertQuery},
    Command{"silence add", "Add a new silence.", vigil::cli::RunSilenceAdd},
    Command{"silence expire", "End silences now.", vigil::cli::RunSilenceExpire},
    Command{"silence update", "Change silences.", vigil::cli::RunSilenceUpdate},
    Command{"silence import", "Import silences from JSON.", vigil::cli::RunSilenceImport},
    Command{"silence query", "Query silences.", vigil::cli::RunSilenceQuery},
    Command{"silence", "The same.", vigil::cli::RunSilenceQuery},
    Command{"config routes", "Print the routing tree; `test`: where an alert goes.",
            vigil::cli::RunConfigRoutes},
    Command{"config show", "View the alerting configuration of a server.",
            vigil::cli::RunConfigShow},
    Command{"config", "The same.", vigil::cli::RunConfigShow},
    Command{"receiver test", "Send a test alert to every integration of a receiver.",
            vigil::cli::RunReceiverTest},
    Command{"template render", "Render a notification template.", vigil::cli::RunTemplateRender},
};

void PrintUsage(std::FILE* to) {
  std::fputs("usage: vigilctl <command> [<flags>] [<args> ...]\n\n", to);
  for (const Command& command : kCommands) {
    std::fprintf(to, "  %-22s %s\n", std::string(command.words).c_str(),
                 std::string(command.help).c_str());
  }
  std::fputs("\nvigilctl <command> --help lists the flags.\n", to);
}

// What is left of the words behind the command; nothing when they name another one. As with
// promtool, flags may stand before the command's words, and between them as --flag=value.
std::optional<Args> Match(const Command& command, const Args& args) {
  Args rest;
  size_t next = 0;
  for (const std::string_view word : vigil::Split(command.words, ' ')) {
    const bool first = next == rest.size();
    for (; next < args.size() && args[next].starts_with('-'); ++next) {
      if (!first && args[next].find('=') == std::string::npos) break;
      rest.push_back(args[next]);
    }
    if (next == args.size() || args[next] != word) return std::nullopt;
    ++next;
  }
  rest.insert(rest.end(), args.begin() + static_cast<std::ptrdiff_t>(next), args.end());
  return rest;
}

}  // namespace

int main(int argc, char** argv) {
  const Args args(argv + 1, argv + argc);
  if (!args.empty() && args[0] == "--version") {
    std::printf("vigilctl, version %s\n", std::string(vigil::toolkit::Version()).c_str());
    return 0;
  }
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h" || args[0] == "help");
  for (const Command& command : kCommands) {
    if (const auto rest = Match(command, args)) return command.run(*rest);
  }
  PrintUsage(help ? stdout : stderr);
  return help ? 0 : 1;
}
