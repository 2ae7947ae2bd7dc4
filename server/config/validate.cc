// SPDX-License-Identifier: Apache-2.0
#include "server/config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client-lib/base/strings.h"

namespace vigil::config {
namespace {

constexpr DurationMs kDefaultInterval = 60'000;
constexpr DurationMs kDefaultTimeout = 10'000;

// The value of the key when it is written, else the mapping itself: where to point.
const YamlNode& Spot(const YamlNode& map, std::string_view key) {
  const YamlNode* found = Find(map, key);
  return found == nullptr ? map : *found;
}

Result<void> AtMostOne(const Reader& reader, const YamlNode& node, std::string_view first,
                       bool has_first, std::string_view second, bool has_second) {
  if (!has_first || !has_second) return Ok();
  return reader.FailHere(node, fmt::format("at most one of {} and {} may be set", first, second));
}

Result<void> FinishBasicAuth(const Reader& reader, const YamlNode& node, const BasicAuth& auth) {
  TRY(AtMostOne(reader, node, "username", !auth.username.empty(), "username_file",
                !auth.username_file.empty()));
  return AtMostOne(reader, node, "password", !auth.password.empty(), "password_file",
                   !auth.password_file.empty());
}

Result<void> FinishAuthorization(const Reader& reader, const YamlNode& node, Authorization* auth) {
  TRY(AtMostOne(reader, node, "credentials", !auth->credentials.empty(), "credentials_file",
                !auth->credentials_file.empty()));
  if (auth->type.empty()) auth->type = "Bearer";
  if (EqualsIgnoreCase(auth->type, "basic")) {
    return reader.FailHere(node, "authorization type cannot be \"basic\": use basic_auth instead");
  }
  return Ok();
}

Result<void> FinishTls(const Reader& reader, const YamlNode& node, const TlsConfig& tls) {
  TRY(AtMostOne(reader, node, "ca", !tls.ca.empty(), "ca_file", !tls.ca_file.empty()));
  TRY(AtMostOne(reader, node, "cert", !tls.cert.empty(), "cert_file", !tls.cert_file.empty()));
  TRY(AtMostOne(reader, node, "key", !tls.key.empty(), "key_file", !tls.key_file.empty()));
  bool has_cert = !tls.cert.empty() || !tls.cert_file.empty();
  bool has_key = !tls.key.empty() || !tls.key_file.empty();
  if (has_cert != has_key) {
    return reader.FailHere(node, has_cert ? "a client certificate needs key or key_file"
                                          : "a client key needs cert or cert_file");
  }
  // TLS10 to TLS13: their order is that of the texts.
  if (!tls.min_version.empty() && !tls.max_version.empty() && tls.max_version < tls.min_version) {
    return reader.FailHere(Spot(node, "max_version"),
                           "tls_config.max_version must be greater than or equal to "
                           "tls_config.min_version if both are specified");
  }
  return Ok();
}

Result<void> FinishProxy(const Reader& reader, const YamlNode& node, const ProxyConfig& http) {
  if (http.proxy_from_environment && !http.proxy_url.empty()) {
    return reader.FailHere(node, "proxy_from_environment and proxy_url exclude each other");
  }
  if (http.proxy_from_environment && !http.no_proxy.empty()) {
    return reader.FailHere(node, "proxy_from_environment and no_proxy exclude each other");
  }
  if (!http.no_proxy.empty() && http.proxy_url.empty()) {
    return reader.FailHere(Spot(node, "no_proxy"), "no_proxy needs proxy_url");
  }
  if (!http.proxy_url.empty() && http.proxy_url.find("://") == std::string::npos) {
    return reader.FailHere(
        Spot(node, "proxy_url"),
        fmt::format("expected a URL like http://proxy:3128, got {}", Quote(http.proxy_url)));
  }
  if (!http.proxy_connect_header.empty() && !http.proxy_from_environment &&
      http.proxy_url.empty()) {
    return reader.FailHere(Spot(node, "proxy_connect_header"),
                           "if proxy_connect_header is configured, proxy_url or "
                           "proxy_from_environment must also be configured");
  }
  return Ok();
}

Result<void> FinishOAuth2(const Reader& reader, const YamlNode& node, const OAuth2Config& oauth2) {
  if (oauth2.client_id.empty()) return reader.FailHere(node, "oauth2 client_id must be configured");
  if (oauth2.token_url.empty()) return reader.FailHere(node, "oauth2 token_url must be configured");
  if (!oauth2.client_secret.empty() && !oauth2.client_secret_file.empty()) {
    return reader.FailHere(
        node, "at most one of oauth2 client_secret & client_secret_file must be configured");
  }
  if (!oauth2.client_certificate_key.empty() && !oauth2.client_certificate_key_file.empty()) {
    return reader.FailHere(node,
                           "at most one of oauth2 client_certificate_key & "
                           "client_certificate_key_file must be configured");
  }
  static constexpr std::array<std::string_view, 4> kAlgorithms = {"", "RS256", "RS384", "RS512"};
  if (oauth2.grant_type == kJwtBearerGrant) {
    if (std::find(kAlgorithms.begin(), kAlgorithms.end(), oauth2.signature_algorithm) ==
        kAlgorithms.end()) {
      return reader.FailHere(Spot(node, "signature_algorithm"),
                             "valid signature algorithms are RS256, RS384 and RS512");
    }
  }
  if (oauth2.has_tls_config) TRY(FinishTls(reader, Spot(node, "tls_config"), oauth2.tls_config));
  return FinishProxy(reader, node, oauth2);
}

// bearer_token and bearer_token_file are the old spelling of authorization.
Result<void> FoldBearerToken(const Reader& reader, const YamlNode& node, HttpClientConfig* http) {
  TRY(AtMostOne(reader, node, "bearer_token", !http->bearer_token.empty(), "bearer_token_file",
                !http->bearer_token_file.empty()));
  if (http->bearer_token.empty() && http->bearer_token_file.empty()) return Ok();
  if (http->has_authorization || http->has_basic_auth || http->has_oauth2) {
    return reader.FailHere(node,
                           "at most one of basic_auth, authorization, oauth2, bearer_token and "
                           "bearer_token_file may be set");
  }
  http->has_authorization = true;
  http->authorization.credentials = std::move(http->bearer_token);
  http->authorization.credentials_file = std::move(http->bearer_token_file);
  http->bearer_token = {};
  http->bearer_token_file.clear();
  return Ok();
}

void Inherit(uint64_t* limit, uint64_t from_global) {
  if (*limit == 0) *limit = from_global;
}

Result<void> FinishTimes(Reader& reader, const YamlNode& node, const GlobalConfig& global,
                         ScrapeConfig* job) {
  if (job->scrape_interval == 0) job->scrape_interval = global.scrape_interval;
  if (job->scrape_timeout > job->scrape_interval) {
    return reader.FailHere(
        Spot(node, "scrape_timeout"),
        fmt::format(
            "scrape timeout greater than scrape interval for scrape config with job name \"{}\"",
            job->job_name));
  }
  if (job->scrape_timeout == 0) {
    job->scrape_timeout = std::min(global.scrape_timeout, job->scrape_interval);
  }
  return Ok();
}

Result<void> CheckStaticTargets(const Reader& reader, const YamlNode& node,
                                const DiscoveryConfig& job) {
  const YamlNode* groups = Find(node, "static_configs");
  for (size_t i = 0; i < job.static_configs.size(); ++i) {
    const YamlNode* targets = Find(*groups->items[i], "targets");
    for (size_t j = 0; j < job.static_configs[i].targets.size(); ++j) {
      auto checked = CheckTargetAddress(job.static_configs[i].targets[j]);
      if (checked) continue;
      return reader.Fail(*targets->items[j],
                         fmt::format("{}.static_configs[{}].targets[{}]: {}", reader.Where(), i, j,
                                     checked.error().message));
    }
  }
  return Ok();
}

// As upstream: `*` at most once, in the last part, and a known extension.
bool IsTargetFilePath(std::string_view path) {
  size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string extension = AsciiLower(path.substr(dot + 1));
  if (extension != "json" && extension != "yml" && extension != "yaml") return false;
  size_t star = path.find('*');
  return star == std::string_view::npos || path.find('/', star) == std::string_view::npos;
}

Result<void> CheckFileSd(const Reader& reader, const YamlNode& node, const DiscoveryConfig& job) {
  const YamlNode* blocks = Find(node, "file_sd_configs");
  for (size_t i = 0; i < job.file_sd_configs.size(); ++i) {
    const FileSdConfig& block = job.file_sd_configs[i];
    const YamlNode& spot = *blocks->items[i];
    std::string where = fmt::format("{}.file_sd_configs[{}]", reader.Where(), i);
    if (block.files.empty()) {
      return reader.Fail(spot, where + ": expected at least one path in files");
    }
    for (const std::string& path : block.files) {
      if (IsTargetFilePath(path)) continue;
      return reader.Fail(Spot(spot, "files"),
                         fmt::format("{}: path name {} is not valid for file discovery: it must "
                                     "end in .json, .yml or .yaml",
                                     where, Quote(path)));
    }
    if (block.refresh_interval <= 0) {
      return reader.Fail(spot, where + ": refresh_interval must be above 0");
    }
  }
  return Ok();
}

}  // namespace

Result<void> CheckTargetAddress(const std::string& address) {
  if (address.empty()) return BadData("expected host:port, got an empty target");
  if (address.find('/') == std::string::npos) return Ok();
  return BadData(Quote(address) +
                 " is not a valid hostname: write host:port, and scheme and path as scheme and "
                 "metrics_path of the job");
}

Result<void> CheckSigv4(const Reader& reader, const YamlNode& node, const Sigv4Config& sigv4) {
  if (sigv4.access_key.empty() == sigv4.secret_key.empty()) return Ok();
  return reader.FailHere(node,
                         "must provide a AWS SigV4 Access key and Secret Key if credentials are "
                         "specified in the SigV4 config");
}

Result<void> FinishDiscovery(const Reader& reader, const YamlNode& node,
                             const DiscoveryConfig& discovery, bool relabels) {
  TRY(CheckFileSd(reader, node, discovery));
  return relabels ? Ok() : CheckStaticTargets(reader, node, discovery);
}

Result<void> FinishHttp(const Reader& reader, const YamlNode& node, HttpClientConfig* http) {
  if (http->has_basic_auth && http->has_authorization) {
    return reader.FailHere(node, "at most one of basic_auth and authorization may be set");
  }
  TRY(FoldBearerToken(reader, node, http));
  if (http->has_basic_auth) {
    TRY(FinishBasicAuth(reader, Spot(node, "basic_auth"), http->basic_auth));
  }
  if (http->has_authorization) {
    TRY(FinishAuthorization(reader, Spot(node, "authorization"), &http->authorization));
  }
  if (http->has_oauth2) {
    if (http->has_basic_auth || http->has_authorization) {
      return reader.FailHere(
          node, "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    TRY(FinishOAuth2(reader, Spot(node, "oauth2"), http->oauth2));
  }
  if (http->has_tls_config) TRY(FinishTls(reader, Spot(node, "tls_config"), http->tls_config));
  return FinishProxy(reader, node, *http);
}

Result<void> FinishGlobal(Reader& reader, const YamlNode& node, GlobalConfig* global) {
  if (global->scrape_interval == 0) global->scrape_interval = kDefaultInterval;
  if (global->evaluation_interval == 0) global->evaluation_interval = kDefaultInterval;
  if (global->scrape_timeout > global->scrape_interval) {
    return reader.FailHere(Spot(node, "scrape_timeout"),
                           "global scrape timeout greater than scrape interval");
  }
  if (global->scrape_timeout == 0) {
    global->scrape_timeout = std::min(kDefaultTimeout, global->scrape_interval);
  }
  return Ok();
}

ScrapeConfig JobDefaults(const GlobalConfig& global) {
  ScrapeConfig job;
  job.scrape_protocols = global.scrape_protocols;
  job.scrape_native_histograms = global.scrape_native_histograms;
  job.always_scrape_classic_histograms = global.always_scrape_classic_histograms;
  job.convert_classic_histograms_to_nhcb = global.convert_classic_histograms_to_nhcb;
  job.extra_scrape_metrics = global.extra_scrape_metrics;
  job.metric_name_validation_scheme = global.metric_name_validation_scheme;
  job.metric_name_escaping_scheme = global.metric_name_escaping_scheme;
  job.scrape_failure_log_file = global.scrape_failure_log_file;
  return job;
}

Result<void> FinishScrapeConfig(Reader& reader, const YamlNode& node, const GlobalConfig& global,
                                ScrapeConfig* job) {
  if (job->job_name.empty()) return reader.FailHere(node, "job_name is missing or empty");
  TRY(FinishTimes(reader, node, global, job));
  Inherit(&job->body_size_limit, global.body_size_limit);
  Inherit(&job->sample_limit, global.sample_limit);
  Inherit(&job->series_limit, global.series_limit);
  Inherit(&job->target_limit, global.target_limit);
  Inherit(&job->label_limit, global.label_limit);
  Inherit(&job->label_name_length_limit, global.label_name_length_limit);
  Inherit(&job->label_value_length_limit, global.label_value_length_limit);
  Inherit(&job->keep_dropped_targets, global.keep_dropped_targets);
  if (job->metrics_path.empty()) job->metrics_path = "/metrics";
  TRY(FinishHttp(reader, node, &job->http));
  return FinishDiscovery(reader, node, *job, !job->relabel_configs.empty());
}

}  // namespace vigil::config
