// SPDX-License-Identifier: Apache-2.0
// --enable-feature of the commands that read PromQL.
#pragma once

#include <string>
#include <vector>

#include "exporters/toolkit/flags.h"
#include "server/promql/engine.h"

namespace vigil::cli {

void AddFeatureFlag(toolkit::FlagSet* flags, std::vector<std::string>* features);

// What the words switch; each may be a comma-separated list. Unknown ones are named on stderr.
promql::EngineOptions EngineWith(const std::vector<std::string>& features);

}  // namespace vigil::cli
