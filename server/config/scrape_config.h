// SPDX-License-Identifier: Apache-2.0
// One job of `scrape_configs`, with everything inherited from `global` filled in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/relabel.h"
#include "server/config/discovery_config.h"
#include "server/config/http_client_config.h"

namespace vigil::config {

struct ScrapeConfig : DiscoveryConfig {
  std::string job_name;
  DurationMs scrape_interval = 0;
  DurationMs scrape_timeout = 0;
  std::vector<std::string> scrape_protocols;
  std::string fallback_scrape_protocol;
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  uint64_t native_histogram_bucket_limit = 0;
  double native_histogram_min_bucket_factor = 0;
  bool extra_scrape_metrics = false;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  // Limits; 0: none.
  uint64_t body_size_limit = 0;
  uint64_t sample_limit = 0;
  uint64_t series_limit = 0;  // series whose label job is the job's name
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t keep_dropped_targets = 0;
  std::string metric_name_validation_scheme = "utf8";
  std::string metric_name_escaping_scheme = "allow-utf-8";
  std::string scrape_failure_log_file;
  HttpClientConfig http;  // its keys stand beside the others in the file
  std::vector<RelabelRule> relabel_configs;
  std::vector<RelabelRule> metric_relabel_configs;
};

}  // namespace vigil::config
