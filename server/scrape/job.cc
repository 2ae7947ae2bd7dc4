// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/job.h"

#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "server/config/loader.h"
#include "server/scrape/accept.h"

namespace vigil::scrape {
namespace {

constexpr int64_t kSecretFileAgeNs = 5'000'000'000;

// What decides on the labels of a series: when it changes, cached lines mean something else.
std::string SeriesFingerprint(const config::ScrapeConfig& job) {
  config::ScrapeConfig relevant;
  relevant.honor_labels = job.honor_labels;
  relevant.metric_relabel_configs = job.metric_relabel_configs;
  relevant.label_limit = job.label_limit;
  relevant.label_name_length_limit = job.label_name_length_limit;
  relevant.label_value_length_limit = job.label_value_length_limit;
  relevant.metric_name_validation_scheme = job.metric_name_validation_scheme;
  return ToYaml(relevant, config::Secrets::kShow);
}

bool HasSecretFiles(const config::HttpClientConfig& http) {
  for (const auto& [name, header] : http.http_headers) {
    if (!header.files.empty()) return true;
  }
  return !http.basic_auth.username_file.empty() || !http.basic_auth.password_file.empty() ||
         !http.authorization.credentials_file.empty();
}

// The value itself, or the text of its file without the newline that editors add.
Result<std::string> ValueOrFile(const std::string& value, const std::string& file) {
  if (file.empty()) return value;
  std::string text = TRY(ReadFile(file));
  return std::string(TrimSpace(text));
}

int TlsVersionNumber(const std::string& name) {
  if (name == "TLS10") return 10;
  if (name == "TLS11") return 11;
  return name == "TLS13" ? 13 : 12;
}

}  // namespace

Job::Job(config::ScrapeConfig config)
    : config_(std::move(config)),
      fingerprint_(ToYaml(config_, config::Secrets::kShow)),
      series_fingerprint_(SeriesFingerprint(config_)),
      accept_(AcceptHeader(config_)),
      has_secret_files_(HasSecretFiles(config_.http)) {}

Result<http::ClientOptions> Job::BuildHttpOptions() const {
  const config::HttpClientConfig& from = config_.http;
  http::ClientOptions to;
  if (from.has_basic_auth) {
    to.basic_auth_username =
        TRY(ValueOrFile(from.basic_auth.username, from.basic_auth.username_file));
    to.basic_auth_password =
        TRY(ValueOrFile(from.basic_auth.password.value, from.basic_auth.password_file));
  }
  if (from.has_authorization) {
    to.authorization =
        from.authorization.type + " " +
        TRY(ValueOrFile(from.authorization.credentials.value, from.authorization.credentials_file));
  }
  const config::TlsConfig& tls = from.tls_config;
  to.ca_pem = tls.ca;
  to.ca_file = tls.ca_file;
  to.cert_pem = tls.cert;
  to.cert_file = tls.cert_file;
  to.key_pem = tls.key.value;
  to.key_file = tls.key_file;
  to.server_name = tls.server_name;
  to.insecure_skip_verify = tls.insecure_skip_verify;
  to.min_tls_version = TlsVersionNumber(tls.min_version);
  to.follow_redirects = from.follow_redirects;
  to.http2 = from.enable_http2;
  to.proxy_url = from.proxy_url;
  to.no_proxy = from.no_proxy;
  to.proxy_from_environment = from.proxy_from_environment;
  for (const auto& [name, header] : from.http_headers) {
    for (const std::string& value : header.values) to.headers.emplace_back(name, value);
    for (const config::Secret& secret : header.secrets) to.headers.emplace_back(name, secret.value);
    for (const std::string& file : header.files) {
      to.headers.emplace_back(name, TRY(ValueOrFile("", file)));
    }
  }
  return to;
}

Result<std::shared_ptr<const http::ClientOptions>> Job::HttpOptions(int64_t now_ns) const {
  ReadOptions known = options_.Copy();
  bool fresh = !has_secret_files_ || now_ns - known.read_at_ns < kSecretFileAgeNs;
  if (known.options != nullptr && fresh) return known.options;
  auto options = std::make_shared<const http::ClientOptions>(
      TRY_CONTEXT(BuildHttpOptions(), "unable to read the secrets of the job"));
  options_.Set({options, now_ns});
  return std::shared_ptr<const http::ClientOptions>(options);
}

}  // namespace vigil::scrape
