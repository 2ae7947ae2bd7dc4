// SPDX-License-Identifier: Apache-2.0
// The whole of prometheus.yml as plain values.
#pragma once

#include <string>
#include <vector>

#include "server/config/alertmanagers_config.h"
#include "server/config/global.h"
#include "server/config/otlp_config.h"
#include "server/config/scrape_config.h"
#include "server/config/storage_config.h"

namespace vigil::config {

// Immutable once loaded: share it as shared_ptr<const Config>.
struct Config {
  GlobalConfig global;
  std::vector<std::string> rule_files;  // globs, resolved against the file's directory
  std::vector<std::string>
      scrape_config_files;                   // globs, resolved; their jobs are in scrape_configs
  std::vector<ScrapeConfig> scrape_configs;  // with the defaults of `global` filled in

  AlertingSection alerting;
  StorageConfig storage;
  OtlpConfig otlp;

  std::string file;  // where it came from, for messages
  // Keys that are known and accepted but have no effect yet, one sentence each:
  // "prometheus.yml:7:1: rule_files is not supported yet: its rules are not evaluated". The caller
  // logs them as warnings.
  std::vector<std::string> not_supported_yet;
};

}  // namespace vigil::config
