// SPDX-License-Identifier: Apache-2.0
// file_sd_configs: target groups from JSON and YAML files, read again when they change.
#pragma once

#include <vector>

#include "server/discovery/list.h"

namespace vigil::discovery {

// One provider per block. A file that cannot be read as target groups keeps what it last gave
// and is logged; a file that is gone takes its targets with it. Groups have __meta_filepath.
std::vector<NamedProvider> CreateFile(const config::ScrapeConfig& job);

}  // namespace vigil::discovery
