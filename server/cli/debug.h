// SPDX-License-Identifier: Apache-2.0
// `vigilctl debug`: what a server says about itself, in one file to send on.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vigil::cli {

// A tar archive of files {name, content}. REQUIRES: names of at most 100 bytes.
std::string TarOf(const std::vector<std::pair<std::string, std::string>>& files);

// The commands; args are the words behind them. The exit code.
int RunDebugMetrics(const std::vector<std::string>& args);
int RunDebugAll(const std::vector<std::string>& args);
// There are no profiles: says what else helps.
int RunDebugPprof(const std::vector<std::string>& args);

}  // namespace vigil::cli
