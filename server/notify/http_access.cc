// SPDX-License-Identifier: Apache-2.0
// The client credentials grant of OAuth 2 (RFC 6749, 4.4), and the fields of http_config.
#include "server/notify/http_access.h"

#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/json_value.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/message.h"
#include "server/notify/url.h"

namespace vigil::notify {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
// A token is not used in its last seconds: it might run out on the way.
constexpr int64_t kTokenMarginSeconds = 10;
constexpr size_t kMaxTokenAnswer = 1 << 20;
constexpr int64_t kForeverNs = INT64_MAX;

bool HasSecretFilesIn(const config::HttpClientConfig& http) {
  for (const auto& [name, header] : http.http_headers) {
    if (!header.files.empty()) return true;
  }
  return !http.basic_auth.username_file.empty() || !http.basic_auth.password_file.empty() ||
         !http.authorization.credentials_file.empty();
}

Result<std::string> TextOrFile(const std::string& text, const std::string& file) {
  if (file.empty()) return text;
  const std::string read = TRY_CONTEXT(ReadFile(file), "reading a secret");
  return std::string(TrimSpace(read));
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
  const std::string& version = tls.min_version;
  to->min_tls_version = version == "TLS10"   ? 10
                        : version == "TLS11" ? 11
                        : version == "TLS13" ? 13
                                             : 12;
}

std::string JoinScopes(const std::vector<std::string>& scopes) { return Join(scopes, " "); }

}  // namespace

HttpAccess::HttpAccess(alerting::HttpConfig config, const Clock& clock)
    : config_(std::move(config)),
      clock_(clock),
      has_secret_files_(HasSecretFilesIn(config_.client)) {}

Result<std::optional<http::ClientRequest>> HttpAccess::TokenRequest() {
  using Wanted = std::optional<http::ClientRequest>;
  if (!config_.has_oauth2) return Wanted();
  if (!token_.empty() && clock_.MonotonicNs() < token_until_ns_) return Wanted();
  const alerting::OAuth2Config& oauth = config_.oauth2;
  const std::string secret = TRY(TextOrFile(oauth.client_secret.value, oauth.client_secret_file));
  std::vector<std::pair<std::string, std::string>> form = {{"grant_type", "client_credentials"}};
  if (!oauth.scopes.empty()) form.emplace_back("scope", JoinScopes(oauth.scopes));
  for (const auto& [name, value] : oauth.endpoint_params) form.emplace_back(name, value);

  auto options = std::make_shared<http::ClientOptions>();
  if (oauth.has_tls_config) SetTls(oauth.tls_config, options.get());
  options->proxy_url = oauth.proxy.proxy_url;
  options->no_proxy = oauth.proxy.no_proxy;
  options->proxy_from_environment = oauth.proxy.proxy_from_environment;
  // As the RFC wants it: both are form-encoded before they become a password.
  options->basic_auth_username = QueryEscape(oauth.client_id);
  options->basic_auth_password = QueryEscape(secret);

  http::ClientRequest request;
  request.method = "POST";
  request.url = oauth.token_url;
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.Set("Accept", "application/json");
  request.body = EncodeQuery(std::move(form));
  request.options = std::move(options);
  request.max_body_bytes = kMaxTokenAnswer;
  return Wanted(std::move(request));
}

Result<void> HttpAccess::TakeToken(const Result<http::ClientResponse>& answer) {
  static const std::string kContext = "oauth2: cannot fetch token";
  if (!answer) return Unavailable(kContext + ": " + answer.error().message);
  if (answer->status / 100 != 2) {
    std::string text = kContext + ": " + std::to_string(answer->status) + " " +
                       std::string(http::StatusText(answer->status)) +
                       "\nResponse: " + answer->body;
    // A server in trouble may recover; credentials it refuses will not.
    const bool later = answer->status / 100 == 5 || answer->status == 429;
    return later ? Unavailable(std::move(text)) : BadData(std::move(text));
  }
  const auto parsed = ParseJson(answer->body);
  if (!parsed) return Unavailable(kContext + ": " + parsed.error().message);
  const JsonValue& json = *parsed;
  const std::string& token = json["access_token"].text;
  if (token.empty()) return BadData("oauth2: server response missing access_token");
  std::string type = json["token_type"].text;
  if (type.empty() || EqualsIgnoreCase(type, "bearer")) type = "Bearer";
  token_ = type + " " + token;
  const std::optional<int64_t> seconds = ParseInt(json["expires_in"].text);
  const bool ends = seconds && *seconds > 0 && *seconds < 1'000'000'000;
  token_until_ns_ =
      ends ? clock_.MonotonicNs() + (*seconds - kTokenMarginSeconds) * kNsPerSecond : kForeverNs;
  return Ok();
}

Result<http::ClientOptions> HttpAccess::Build() const {
  const config::HttpClientConfig& from = config_.client;
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
  if (config_.has_oauth2) to.authorization = token_;
  SetTls(from.tls_config, &to);
  to.follow_redirects = from.follow_redirects;
  to.http2 = from.enable_http2;
  to.proxy_url = from.proxy_url;
  to.no_proxy = from.no_proxy;
  to.proxy_from_environment = from.proxy_from_environment;
  for (const auto& [name, values] : config_.proxy_connect_header) {
    for (const std::string& value : values) to.proxy_headers.emplace_back(name, value);
  }
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

Result<std::shared_ptr<const http::ClientOptions>> HttpAccess::Options() {
  if (options_ != nullptr && !has_secret_files_ && options_token_ == token_) return options_;
  options_ = std::make_shared<const http::ClientOptions>(TRY(Build()));
  options_token_ = token_;
  return options_;
}

}  // namespace vigil::notify
