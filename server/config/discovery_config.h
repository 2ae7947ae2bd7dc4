// SPDX-License-Identifier: Apache-2.0
// How targets are found, and Alertmanagers in the same way: the `*_sd_configs` and static_configs.
#pragma once

#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"

namespace vigil::config {

// Targets with the labels they share. Also the shape of the entries of file_sd files.
struct StaticConfig {
  std::vector<std::string> targets;
  Labels labels;
};

struct FileSdConfig {
  std::vector<std::string>
      files;  // absolute or relative to the working directory, `*` in the last segment
  DurationMs refresh_interval = 300'000;
};

// A list per mechanism; scrape jobs and blocks of Alertmanagers have all of them.
struct DiscoveryConfig {
  std::vector<FileSdConfig> file_sd_configs;
  std::vector<StaticConfig> static_configs;
};

}  // namespace vigil::config
