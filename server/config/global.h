// SPDX-License-Identifier: Apache-2.0
// The `global` block: defaults of all jobs and the labels of this server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"

namespace vigil::config {

struct GlobalConfig {
  DurationMs scrape_interval = 60'000;
  DurationMs scrape_timeout = 10'000;  // at most scrape_interval
  DurationMs evaluation_interval = 60'000;
  DurationMs rule_query_offset = 0;
  std::string query_log_file;
  std::string scrape_failure_log_file;
  Labels external_labels;  // $VAR and ${VAR} expanded
  std::vector<std::string> scrape_protocols;
  // Limits; 0: none.
  uint64_t body_size_limit = 0;
  uint64_t sample_limit = 0;
  uint64_t series_limit = 0;  // series whose label job is the job's name
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t keep_dropped_targets = 0;
  std::string metric_name_validation_scheme = "utf8";  // or legacy
  std::string metric_name_escaping_scheme = "allow-utf-8";
  bool scrape_native_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  bool always_scrape_classic_histograms = false;
  bool extra_scrape_metrics = false;
};

}  // namespace vigil::config
