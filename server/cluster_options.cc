// SPDX-License-Identifier: Apache-2.0
#include "server/cluster_options.h"

#include <string_view>
#include <utility>

#include "client-lib/base/files.h"
#include "client-lib/base/strings.h"
#include "exporters/toolkit/web_config.h"

namespace vigil::server {
namespace {

constexpr std::string_view kNoGossip =
    " belongs to Alertmanager's gossip, which Vigil has no need of: start two servers with "
    "--cluster.standby and the same --storage.postgres.dsn";

// Alertmanager's, with a value.
constexpr std::string_view kGossipFlags[] = {
    "advertise-address", "peer",           "peer-timeout",       "peers-resolve-timeout",
    "gossip-interval",   "tcp-timeout",    "pushpull-interval",  "probe-timeout",
    "probe-interval",    "settle-timeout", "reconnect-interval", "reconnect-timeout",
    "tls-config",        "label",          "peer-name"};

constexpr const char* kDiscovery = "cluster.allow-insecure-public-advertise-address-discovery";

void AddGossip(toolkit::FlagSet* flags) {
  for (const std::string_view flag : kGossipFlags) {
    const std::string name = "cluster." + std::string(flag);
    flags
        ->Custom(name, "Not of Vigil.", "",
                 [name](std::string_view) -> Result<void> {
                   return BadData("--" + name + std::string(kNoGossip));
                 })
        .Hidden();
  }
  // Empty: no gossip, which is how a lone Alertmanager is started.
  flags
      ->Custom("cluster.listen-address", "Not of Vigil.", "",
               [](std::string_view value) -> Result<void> {
                 if (value.empty()) return Ok();
                 return BadData("--cluster.listen-address" + std::string(kNoGossip));
               })
      .Hidden();
}

// Other servers append paths to it, and people see it.
Result<void> CheckUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return BadData("--cluster.advertise-url must begin with http:// or https://");
  }
  const std::string_view rest = url.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty() || authority.front() == ':') {
    return BadData("--cluster.advertise-url has no host");
  }
  if (authority.find('@') != std::string_view::npos) {
    return BadData("--cluster.advertise-url must be without user and password: people see it");
  }
  for (const char c : rest) {
    if (c == '?' || c == '#' || c == '\x7f' || (c >= '\0' && c <= ' ')) {
      return BadData("--cluster.advertise-url must be without query, fragment and spaces");
    }
  }
  return Ok();
}

bool IsLoopback(std::string_view host) {
  return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

}  // namespace

void ClusterOptions::AddTo(toolkit::FlagSet* flags) {
  flags->Bool("cluster.standby",
              "If another server has the database, stand by: pass requests on to it and take over "
              "when it goes. For both of two servers on one --storage.postgres.dsn.",
              &standby);
  flags
      ->String("cluster.advertise-url",
               "Where other servers on the database reach this one. Empty: made of the first "
               "--web.listen-address and the name of the host.",
               &advertise_url)
      .Placeholder("URL");
  flags->Duration("cluster.lease",
                  "A server that gives no sign of life for so long has lost the database to the "
                  "one that stands by.",
                  &lease_ms);
  flags
      ->String("cluster.tls-ca-file",
               "CA of the leader's certificate, PEM. Empty: those of the system.", &tls_ca_file)
      .Placeholder("FILE");
  flags
      ->String("cluster.tls-cert-file", "Client certificate to show to the leader, PEM.",
               &tls_cert_file)
      .Placeholder("FILE");
  flags->String("cluster.tls-key-file", "Its key, PEM.", &tls_key_file).Placeholder("FILE");
  flags
      ->String(
          "cluster.username",
          "A user of the other server's web config file: by whom a leader that cannot reach the "
          "database asks whether the other one has taken over.",
          &username)
      .Placeholder("NAME");
  flags->String("cluster.password-file", "With the password of --cluster.username.", &password_file)
      .Placeholder("FILE");
  AddGossip(flags);
  flags->Bool(kDiscovery, "Not of Vigil.", &gossip_discovery_).Hidden();
}

Result<void> ClusterOptions::Check(bool own_postgres) const {
  if (gossip_discovery_) return BadData("--" + std::string(kDiscovery) + std::string(kNoGossip));
  if (standby && own_postgres) {
    return BadData(
        "--cluster.standby needs --storage.postgres.dsn: the PostgreSQL that a server runs itself "
        "ends with it, and no other server could take it over");
  }
  if (lease_ms < 1'000) return BadData("--cluster.lease must be at least 1s");
  if (!advertise_url.empty()) TRY(CheckUrl(advertise_url));
  if (tls_cert_file.empty() != tls_key_file.empty()) {
    return BadData("--cluster.tls-cert-file and --cluster.tls-key-file go together");
  }
  if (username.empty() != password_file.empty()) {
    return BadData("--cluster.username and --cluster.password-file go together");
  }
  return Ok();
}

http::ClientOptions ClusterOptions::TlsClient() const {
  http::ClientOptions client;
  client.ca_file = tls_ca_file;
  client.cert_file = tls_cert_file;
  client.key_file = tls_key_file;
  client.follow_redirects = false;
  return client;
}

std::shared_ptr<const http::ClientOptions> ClusterOptions::Client() const {
  return std::make_shared<const http::ClientOptions>(TlsClient());
}

Result<std::shared_ptr<const http::ClientOptions>> ClusterOptions::PeerClient() const {
  http::ClientOptions client = TlsClient();
  if (!password_file.empty()) {
    client.basic_auth_username = username;
    client.basic_auth_password =
        TrimSpace(TRY_CONTEXT(ReadFile(password_file), "reading --cluster.password-file"));
  }
  return std::make_shared<const http::ClientOptions>(std::move(client));
}

Result<std::string> AdvertisedUrl(const ClusterOptions& options, const toolkit::WebFlags& web,
                                  const std::string& host_name, int port) {
  std::string url = options.advertise_url;
  if (url.empty()) {
    bool tls = false;
    if (!web.config_file.empty()) tls = TRY(toolkit::WebConfig::Load(web.config_file)).tls_enabled;
    std::string host;
    if (!web.listen_addresses.empty()) {
      host = web.listen_addresses.front().substr(0, web.listen_addresses.front().rfind(':'));
    }
    if (options.standby && (IsLoopback(host) || port == 0)) {
      return BadData(
          "--cluster.standby needs --cluster.advertise-url: other servers do not reach this one at "
          "--web.listen-address=" +
          web.listen_addresses.front());
    }
    if (host.empty() || host == "0.0.0.0" || host == "[::]") host = host_name;
    url = (tls ? "https://" : "http://") + host + ":" + std::to_string(port) + web.route_prefix;
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace vigil::server
