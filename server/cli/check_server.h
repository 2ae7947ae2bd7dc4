// SPDX-License-Identifier: Apache-2.0
// `vigilctl check healthy|ready|web-config`.
#pragma once

#include <string>
#include <vector>

namespace vigil::cli {

// Asks a server whether it is healthy, or ready. args are the words behind the command. The exit
// code.
int RunCheckHealthy(const std::vector<std::string>& args);
int RunCheckReady(const std::vector<std::string>& args);

// Reads web config files as the programs do. The exit code.
int RunCheckWebConfig(const std::vector<std::string>& args);

}  // namespace vigil::cli
