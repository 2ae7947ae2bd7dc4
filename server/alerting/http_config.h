// SPDX-License-Identifier: Apache-2.0
// How receivers reach their services: the http_config of alertmanager.yml.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/config/http_client_config.h"

namespace vigil::alerting {

struct ProxyConfig {
  std::string proxy_url;
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, std::vector<std::string>> proxy_connect_header;
};

struct OAuth2Config {
  std::string client_id;
  config::Secret client_secret;
  std::string client_secret_file;  // at most one of the two; read again for use
  std::vector<std::string> scopes;
  std::string token_url;
  std::map<std::string, std::string> endpoint_params;
  bool has_tls_config = false;
  config::TlsConfig tls_config;
  ProxyConfig proxy;
};

struct HttpConfig {
  config::HttpClientConfig client;
  bool has_oauth2 = false;
  OAuth2Config oauth2;
  std::map<std::string, std::vector<std::string>> proxy_connect_header;
};

}  // namespace vigil::alerting
