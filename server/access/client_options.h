// SPDX-License-Identifier: Apache-2.0
// The keys of an http_config as options of the HTTP client.
#pragma once

#include <string>

#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "server/config/http_client_config.h"

namespace vigil::access {

// The text, or that of the file without the newline that editors add. internal or not_found: the
// file cannot be read.
Result<std::string> TextOrFile(const std::string& text, const std::string& file);

// Whether MakeClientOptions reads files.
bool HasSecretFiles(const config::HttpClientConfig& http);

// With secret files read; oauth2 is not looked at.
Result<http::ClientOptions> MakeClientOptions(const config::HttpClientConfig& http);

void SetTls(const config::TlsConfig& tls, http::ClientOptions* to);
void SetProxy(const config::ProxyConfig& proxy, http::ClientOptions* to);

}  // namespace vigil::access
