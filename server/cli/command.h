// SPDX-License-Identifier: Apache-2.0
// What the commands of vigilctl have in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/toolkit/flags.h"

namespace vigil::cli {

// The exit code when there is nothing to run: help was printed, or a flag is wrong.
std::optional<int> ParseCommand(toolkit::FlagSet* flags, const std::vector<std::string>& args);

// `host:9090` is http://host:9090; a slash at the end goes.
std::string ServerUrl(const std::string& server);

}  // namespace vigil::cli
