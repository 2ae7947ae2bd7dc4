// SPDX-License-Identifier: Apache-2.0
// `vigilctl check config`: prometheus.yml and the files it names, with promtool's output and exit
// codes.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/config/config.h"

namespace vigil::cli {

// The rule files that the globs match. bad_data when a file is missing that rules, jobs or
// discovery name.
Result<std::vector<std::string>> CheckNamedFiles(const config::Config& config,
                                                 std::vector<std::string>* warnings);

// The command; args are the words behind `check config`. The exit code.
int RunCheckConfig(const std::vector<std::string>& args);

}  // namespace vigil::cli
