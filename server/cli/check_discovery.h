// SPDX-License-Identifier: Apache-2.0
// `vigilctl check service-discovery`: the targets of one job, before and after relabelling.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/config/scrape_config.h"

namespace vigil::cli {

// A JSON list, as promtool prints it; each target once.
Result<std::string> DiscoveryText(const config::ScrapeConfig& job);

// The command; args are the words behind `check service-discovery`. The exit code.
int RunCheckDiscovery(const std::vector<std::string>& args);

}  // namespace vigil::cli
