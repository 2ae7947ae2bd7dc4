// SPDX-License-Identifier: Apache-2.0
// How to reach an HTTP server: the keys that scrape jobs, discovery and senders share.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::config {

// Text that is shown as <secret>.
struct Secret {
  std::string value;
  [[nodiscard]] bool empty() const { return value.empty(); }
  bool operator==(const Secret&) const = default;
};

struct BasicAuth {
  std::string username;
  std::string username_file;  // at most one of the two
  Secret password;
  std::string password_file;  // at most one of the two; read again for use
};

struct Authorization {
  std::string type = "Bearer";
  Secret credentials;
  std::string credentials_file;  // at most one of the two; read again for use
};

struct TlsConfig {
  std::string ca;  // PEM text, or a file:
  std::string ca_file;
  std::string cert;
  std::string cert_file;
  Secret key;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  std::string min_version;  // TLS10 ... TLS13; empty: TLS12
  std::string max_version;
};

// One header to add: its values in the order plain, secret, from files.
struct HttpHeader {
  std::vector<std::string> values;
  std::vector<Secret> secrets;
  std::vector<std::string> files;
};

struct ProxyConfig {
  std::string proxy_url;
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, std::vector<Secret>> proxy_connect_header;  // of CONNECT requests
};

// A scalar of any type as JSON, by its name.
using Claims = std::map<std::string, std::string>;

inline constexpr std::string_view kJwtBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

// Where tokens are got (OAuth 2.0). Files are read again for each token.
struct OAuth2Config : ProxyConfig {
  std::string client_id;
  std::string grant_type;  // empty: client_credentials; or kJwtBearerGrant
  Secret client_secret;
  std::string client_secret_file;  // at most one of the two
  // Of kJwtBearerGrant: the RSA key that signs what asks for a token, PEM.
  Secret client_certificate_key;
  std::string client_certificate_key_file;  // at most one of the two
  std::string client_certificate_key_id;
  std::string signature_algorithm;  // RS256, RS384 or RS512; empty: RS256
  std::string iss;                  // empty: client_id
  std::string audience;             // empty: token_url
  Claims claims;                    // added to those of the grant
  std::vector<std::string> scopes;
  std::string token_url;
  std::map<std::string, std::string> endpoint_params;
  bool has_tls_config = false;
  TlsConfig tls_config;
};

struct HttpClientConfig : ProxyConfig {
  bool has_basic_auth = false;
  BasicAuth basic_auth;
  bool has_authorization = false;  // also set by the deprecated bearer_token(_file)
  Authorization authorization;
  bool has_oauth2 = false;
  OAuth2Config oauth2;
  bool has_tls_config = false;
  TlsConfig tls_config;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::map<std::string, HttpHeader> http_headers;
  // Only read to be diagnosed or folded into the fields above; not written by ToYaml.
  Secret bearer_token;
  std::string bearer_token_file;
};

}  // namespace vigil::config
