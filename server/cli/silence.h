// SPDX-License-Identifier: Apache-2.0
// `vigilctl silence [query]|add|expire|update|import`: amtool's, against any server with
// Alertmanager's API.
#pragma once

#include <string>
#include <vector>

#include "server/cli/alertmanager.h"

namespace vigil::cli {

// Silences as the API lists them, in the form the flags ask for.
std::string PrintSilences(JsonValue silences, const AlertmanagerFlags& flags);

// args are the words behind the command. The exit codes.
int RunSilenceQuery(const std::vector<std::string>& args);
int RunSilenceAdd(const std::vector<std::string>& args);
int RunSilenceExpire(const std::vector<std::string>& args);
int RunSilenceUpdate(const std::vector<std::string>& args);
int RunSilenceImport(const std::vector<std::string>& args);

}  // namespace vigil::cli
