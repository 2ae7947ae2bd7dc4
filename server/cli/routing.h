// SPDX-License-Identifier: Apache-2.0
// `vigilctl config [show]`, `config routes [show|test]`, `check alerting-config`: amtool's.
#pragma once

#include <string>
#include <vector>

#include "server/alerting/route_tree.h"

namespace vigil::cli {

// The tree with conditions and receivers, drawn with lines, under a dot.
std::string PrintRoutes(const alerting::RouteTree& tree);
// Only what an alert with these labels takes.
std::string PrintMatchingRoutes(const alerting::RouteTree& tree, const Labels& labels);

// args are the words behind the command. The exit codes.
int RunConfigShow(const std::vector<std::string>& args);
int RunConfigRoutes(const std::vector<std::string>& args);
int RunCheckAlertingConfig(const std::vector<std::string>& args);

}  // namespace vigil::cli
