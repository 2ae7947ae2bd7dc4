// SPDX-License-Identifier: Apache-2.0
// The `alerting` section of prometheus.yml: Alertmanagers elsewhere that get this server's alerts.
#pragma once

#include <string>
#include <vector>

#include "client-lib/model/duration.h"
#include "client-lib/model/relabel.h"
#include "server/config/discovery_config.h"
#include "server/config/http_client_config.h"
#include "server/config/sigv4_config.h"

namespace vigil::config {

// Alertmanagers that are found and reached in the same way.
struct AlertmanagerConfig : DiscoveryConfig {
  std::string scheme = "http";
  std::string path_prefix;
  DurationMs timeout = 10'000;
  std::string api_version = "v2";
  bool has_sigv4 = false;
  Sigv4Config sigv4;
  HttpClientConfig http;  // its keys stand beside the others in the file
  std::vector<RelabelRule> relabel_configs;
  std::vector<RelabelRule> alert_relabel_configs;  // for these Alertmanagers only
};

struct AlertingSection {
  std::vector<RelabelRule> alert_relabel_configs;
  std::vector<AlertmanagerConfig> alertmanagers;
};

}  // namespace vigil::config
