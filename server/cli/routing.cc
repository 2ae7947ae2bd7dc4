// SPDX-License-Identifier: Apache-2.0
#include "server/cli/routing.h"

#include <cstdio>
#include <optional>

#include "client-lib/base/strings.h"
#include "server/alerting/config_loader.h"
#include "server/cli/alertmanager.h"
#include "server/cli/command.h"
#include "server/notify/templates.h"

namespace vigil::cli {
namespace {

using alerting::Route;
using alerting::RouteTree;

// A route with those below it that are drawn.
struct Branch {
  std::string text;
  std::vector<Branch> children;
};

std::string ConditionOf(const Route& route) {
  return route.matchers.empty() ? "default-route" : alerting::ToString(route.matchers);
}

Branch WholeBranch(const RouteTree& tree, size_t index) {
  const Route& route = tree.routes()[index];
  Branch branch;
  branch.text = ConditionOf(route) + (route.continues ? "  continue: true" : "") +
                "  receiver: " + route.receiver;
  for (const size_t child : route.children) branch.children.push_back(WholeBranch(tree, child));
  return branch;
}

Branch MatchingBranch(const RouteTree& tree, size_t index, const Labels& labels) {
  const Route& route = tree.routes()[index];
  Branch branch;
  branch.text = ConditionOf(route);
  for (const size_t child : route.children) {
    if (!alerting::MatchesLabels(tree.routes()[child].matchers, labels)) continue;
    branch.children.push_back(MatchingBranch(tree, child, labels));
    if (!tree.routes()[child].continues) break;
  }
  if (branch.children.empty()) branch.text += "  receiver: " + route.receiver;
  return branch;
}

void Draw(const Branch& branch, const std::string& indent, bool last, std::string* out) {
  *out += indent + (last ? "└── " : "├── ") + branch.text + "\n";
  for (size_t i = 0; i < branch.children.size(); ++i) {
    Draw(branch.children[i], indent + (last ? "    " : "│   "), i + 1 == branch.children.size(),
         out);
  }
}

std::string DrawTree(const Branch& root) {
  std::string out = ".\n";
  Draw(root, "", true, &out);
  return out;
}

struct RouteTest {
  std::string config_file;
  std::string receivers;  // --verify.receivers
  bool tree = false;
  std::vector<std::string> labels;
};

Result<void> ShowRoutes(const AlertmanagerFlags& common, const std::string& file) {
  const alerting::AlertingConfig config = TRY(LoadRoutes(common, file));
  std::printf("Routing tree:\n%s\n", PrintRoutes(RouteTree(config.route)).c_str());
  return Ok();
}

Result<void> TestRoutes(const AlertmanagerFlags& common, const RouteTest& test) {
  const alerting::AlertingConfig config = TRY(LoadRoutes(common, test.config_file));
  const RouteTree tree(config.route);
  LabelsBuilder builder;
  const auto pairs =
      TRY_CONTEXT(ParsePairs(test.labels, common.MatcherMode()), "failed to parse labels");
  for (const auto& [name, value] : pairs) builder.Set(name, value);
  const Labels labels = builder.Build();
  if (test.tree) {
    std::printf("Matching routes:\n%s\n\n", PrintMatchingRoutes(tree, labels).c_str());
  }
  std::vector<std::string> receivers;
  for (const Route* route : tree.Match(labels)) receivers.push_back(route->receiver);
  const std::string found = Join(receivers, ",");
  std::printf("%s\n", found.c_str());
  if (test.receivers.empty() || test.receivers == found) return Ok();
  std::printf("WARNING: Expected receivers did not match resolved receivers.\n");
  return BadData("expected the receivers " + test.receivers + ", got " + found);
}

Result<void> ShowConfig(const AlertmanagerFlags& common) {
  const AlertmanagerClient client = TRY(AlertmanagerClient::Create(common));
  const JsonValue status = TRY(client.Get("/status"));
  if (common.output == "json") {
    std::string text;
    AppendJson(status, &text);
    std::printf("%s\n", text.c_str());
    return Ok();
  }
  std::printf("%s\n", status["config"]["original"].text.c_str());
  if (common.output != "extended") return Ok();
  for (const char* name :
       {"buildUser", "goVersion", "revision", "version", "branch", "buildDate"}) {
    std::printf("%s %s\n", name, status["versionInfo"][name].text.c_str());
  }
  std::printf("uptime %s\n", status["uptime"].text.c_str());
  return Ok();
}

// The number of things that are wrong with the file.
int CheckOneFile(const std::string& file, alerting::MatcherMode mode) {
  std::printf("Checking '%s'", file.c_str());
  const Result<alerting::AlertingConfig> config = alerting::LoadAlertingFile(file, mode);
  if (!config) {
    std::printf("  FAILED: %s\n\n", config.error().message.c_str());
    return 1;
  }
  std::printf("  SUCCESS\nFound:\n - global config\n - route\n");
  std::printf(" - %zu inhibit rules\n - %zu receivers\n - %zu templates\n",
              config->inhibit_rules.size(), config->receivers.size(), config->templates.size());
  int failed = 0;
  if (!config->templates.empty()) {
    const auto templates = notify::Templates::Load(config->templates, "");
    std::printf(templates ? "  SUCCESS\n" : "  FAILED: %s\n",
                templates ? "" : templates.error().message.c_str());
    failed = templates ? 0 : 1;
  }
  for (const std::string& warning : config->warnings)
    std::printf("  WARNING: %s\n", warning.c_str());
  std::printf("\n");
  return failed;
}

}  // namespace

std::string PrintRoutes(const RouteTree& tree) { return DrawTree(WholeBranch(tree, 0)); }

std::string PrintMatchingRoutes(const RouteTree& tree, const Labels& labels) {
  return DrawTree(MatchingBranch(tree, 0, labels));
}

int RunConfigShow(const std::vector<std::string>& args) {
  AlertmanagerFlags common;
  toolkit::FlagSet flags("vigilctl config show",
                         "View the alerting configuration of a server, secrets left out.");
  common.AddTo(&flags);
  if (const auto code = ParseAlertmanagerCommand(&flags, args, AmtoolFiles())) return *code;
  return FinishCommand(ShowConfig(common));
}

int RunConfigRoutes(const std::vector<std::string>& args) {
  const bool named = !args.empty() && (args[0] == "show" || args[0] == "test");
  const bool test = named && args[0] == "test";
  const std::vector<std::string> rest(args.begin() + (named ? 1 : 0), args.end());
  AlertmanagerFlags common;
  RouteTest options;
  toolkit::FlagSet flags(test ? "vigilctl config routes test" : "vigilctl config routes show",
                         test ? "Prints the receivers that an alert with these labels goes to."
                              : "Prints the routing tree.");
  common.AddTo(&flags);
  flags.String("config.file", "A file to be tested instead of the server's configuration.",
               &options.config_file);
  if (test) {
    flags.String("verify.receivers", "Fails unless these, joined by commas, are the receivers.",
                 &options.receivers);
    flags.Bool("tree", "Prints out the tree of matching routes.", &options.tree);
    flags.Arguments("labels", "Labels, name=value.", &options.labels);
  }
  if (const auto code = ParseAlertmanagerCommand(&flags, rest, AmtoolFiles())) return *code;
  return FinishCommand(test ? TestRoutes(common, options)
                            : ShowRoutes(common, options.config_file));
}

int RunCheckAlertingConfig(const std::vector<std::string>& args) {
  std::vector<std::string> files;
  AlertmanagerFlags common;
  toolkit::FlagSet flags("vigilctl check alerting-config",
                         "Check if alertmanager.yml files and their templates are valid.");
  flags.String("enable-feature", "classic-mode or utf8-strict-mode: how matchers are read.",
               &common.feature);
  flags.Arguments("check-files", "Files to be validated.", &files);
  if (const auto code = ParseCommand(&flags, args)) return *code;
  int failed = 0;
  for (const std::string& file : files) failed += CheckOneFile(file, common.MatcherMode());
  if (files.empty()) return FinishCommand(BadData("give at least one file"));
  if (failed == 0) return 0;
  return FinishCommand(BadData("failed to validate " + std::to_string(failed) + " file(s)"));
}

}  // namespace vigil::cli
