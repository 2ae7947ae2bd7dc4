// SPDX-License-Identifier: Apache-2.0
// Reads prometheus.yml strictly: an unknown or doubled key, a wrong type or value is an error that
// names file, line, column and key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/config/config.h"

namespace vigil::config {

struct LoadOptions {
  // Looks up $VAR of external_labels; null: the process's environment.
  std::function<std::optional<std::string>(const std::string&)> environment;
  // False: scrape_config_files are not opened (fuzzing, checking one file alone).
  bool follow_scrape_config_files = true;
  // Blocks that have no place in the configuration of an agent are errors.
  bool agent = false;
};

// The file and the scrape_config_files it names. bad_data: what is wrong, as
// `prometheus.yml:12:5: unknown field "scrape_intervall" in scrape_configs[0]: did you mean
// "scrape_interval"?`; not_found or internal when it cannot be read.
Result<Config> LoadFile(const std::string& path, const LoadOptions& options = {});

// The same from text; `filename` is named in errors and its directory is where relative paths
// start.
Result<Config> LoadText(std::string_view text, const std::string& filename,
                        const LoadOptions& options = {});

// The configuration in use, as /api/v1/status/config shows it: defaults filled in, secrets as
// <secret>. Blocks without effect yet (Config::not_supported_yet) are left out.
std::string ToYaml(const Config& config);
// The same of one job; `redact` false shows secrets: for comparing two jobs, never for people.
enum class Secrets { kRedact, kShow };
std::string ToYaml(const ScrapeConfig& job, Secrets secrets);

// The content of a file_sd file: a YAML or JSON list of {targets: [...], labels: {...}}. Strict as
// above; `filename` is named in errors.
Result<std::vector<StaticConfig>> ParseTargetGroups(std::string_view text,
                                                    const std::string& filename);

}  // namespace vigil::config
