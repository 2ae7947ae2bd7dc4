// SPDX-License-Identifier: Apache-2.0
#include "server/access/client_options.h"

#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"

namespace vigil::access {
namespace {

int TlsVersionNumber(const std::string& name, int otherwise) {
  if (name == "TLS10") return 10;
  if (name == "TLS11") return 11;
  if (name == "TLS12") return 12;
  return name == "TLS13" ? 13 : otherwise;
}

}  // namespace

Result<std::string> TextOrFile(const std::string& text, const std::string& file) {
  if (file.empty()) return text;
  const std::string read = TRY_CONTEXT(ReadFile(file), "reading a secret");
  return std::string(TrimSpace(read));
}

bool HasSecretFiles(const config::HttpClientConfig& http) {
  for (const auto& [name, header] : http.http_headers) {
    if (!header.files.empty()) return true;
  }
  return !http.basic_auth.username_file.empty() || !http.basic_auth.password_file.empty() ||
         !http.authorization.credentials_file.empty();
}

void SetTls(const config::TlsConfig& tls, http::ClientOptions* to) {
  to->ca_pem = tls.ca;
  to->ca_file = tls.ca_file;
  to->cert_pem = tls.cert;
  to->cert_file = tls.cert_file;
  to->key_pem = tls.key.value;
  to->key_file = tls.key_file;
  to->server_name = tls.server_name;
  to->insecure_skip_verify = tls.insecure_skip_verify;
  to->min_tls_version = TlsVersionNumber(tls.min_version, 12);
  to->max_tls_version = TlsVersionNumber(tls.max_version, 13);
}

void SetProxy(const config::ProxyConfig& proxy, http::ClientOptions* to) {
  to->proxy_url = proxy.proxy_url;
  to->no_proxy = proxy.no_proxy;
  to->proxy_from_environment = proxy.proxy_from_environment;
  for (const auto& [name, values] : proxy.proxy_connect_header) {
    for (const config::Secret& value : values) to->proxy_headers.emplace_back(name, value.value);
  }
}

Result<http::ClientOptions> MakeClientOptions(const config::HttpClientConfig& from) {
  http::ClientOptions to;
  if (from.has_basic_auth) {
    const config::BasicAuth& auth = from.basic_auth;
    to.basic_auth_username = TRY(TextOrFile(auth.username, auth.username_file));
    to.basic_auth_password = TRY(TextOrFile(auth.password.value, auth.password_file));
  }
  if (from.has_authorization) {
    const config::Authorization& auth = from.authorization;
    std::string credentials = TRY(TextOrFile(auth.credentials.value, auth.credentials_file));
    to.authorization = auth.type + " " + std::move(credentials);
  }
  SetTls(from.tls_config, &to);
  SetProxy(from, &to);
  to.follow_redirects = from.follow_redirects;
  to.http2 = from.enable_http2;
  for (const auto& [name, header] : from.http_headers) {
    for (const std::string& value : header.values) to.headers.emplace_back(name, value);
    for (const config::Secret& secret : header.secrets) to.headers.emplace_back(name, secret.value);
    for (const std::string& file : header.files) {
      std::string value = TRY(TextOrFile("", file));
      to.headers.emplace_back(name, std::move(value));
    }
  }
  return to;
}

}  // namespace vigil::access
