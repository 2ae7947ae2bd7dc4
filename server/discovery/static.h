// SPDX-License-Identifier: Apache-2.0
// static_configs: targets that the configuration itself names.
#pragma once

#include <vector>

#include "server/discovery/list.h"

namespace vigil::discovery {

// Group i has the source "i". One provider for the whole job.
std::vector<NamedProvider> CreateStatic(const config::ScrapeConfig& job);

// The group of one entry of static_configs or of a target file.
TargetGroup ToGroup(const config::StaticConfig& entry, std::string source);

}  // namespace vigil::discovery
