// SPDX-License-Identifier: Apache-2.0
// `vigilctl alert [query]`, `vigilctl alert add`: amtool's, against any server with Alertmanager's
// API.
#pragma once

#include <string>
#include <vector>

#include "server/cli/alertmanager.h"

namespace vigil::cli {

// Alerts as the API lists them, in the form the flags ask for.
std::string PrintAlerts(JsonValue alerts, const AlertmanagerFlags& flags);

// args are the words behind the command. The exit codes.
int RunAlertQuery(const std::vector<std::string>& args);
int RunAlertAdd(const std::vector<std::string>& args);

}  // namespace vigil::cli
