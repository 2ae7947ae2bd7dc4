// SPDX-License-Identifier: Apache-2.0
// The flags that all binaries share.
#include "client-lib/base/strings.h"
#include "exporters/toolkit/flags.h"

namespace vigil::toolkit {

void WebFlags::AddTo(FlagSet* flags) {
  flags->Strings("web.listen-address",
                 "Addresses on which to expose metrics and web interface. Repeatable for multiple "
                 "addresses.",
                 &listen_addresses);
  flags->String("web.config.file",
                "Path to configuration file that can enable TLS or authentication.", &config_file);
  flags
      ->Bool("web.systemd-socket", "Use systemd socket activation listeners (not supported).",
             &systemd_socket)
      .Hidden();
}

void WebFlags::AddTelemetryPathTo(FlagSet* flags) {
  flags->String("web.telemetry-path", "Path under which to expose metrics.", &telemetry_path);
}

void WebFlags::AddPrefixTo(FlagSet* flags) {
  flags
      ->String("web.external-url",
               "The URL under which this program is externally reachable (for example, if it is "
               "served via a reverse proxy). Its path prefixes all HTTP endpoints unless "
               "--web.route-prefix is given.",
               &external_url)
      .Placeholder("<URL>");
  flags
      ->String("web.route-prefix",
               "Prefix for the internal routes of web endpoints. Defaults to the path of "
               "--web.external-url.",
               &route_prefix)
      .Placeholder("<path>");
}

Result<void> WebFlags::Normalise() {
  if (systemd_socket) {
    return BadData(
        "--web.systemd-socket is not supported by this build's web server; use "
        "--web.listen-address");
  }
  std::string path = route_prefix;
  if (!external_url.empty()) {
    const size_t scheme = external_url.find("://");
    const bool web = external_url.starts_with("http://") || external_url.starts_with("https://");
    if (!web || scheme + 3 == external_url.size() || external_url[scheme + 3] == '/') {
      return BadData("--web.external-url " + Quote(external_url) +
                     " is not a URL like http://host/path");
    }
    const size_t slash = external_url.find('/', scheme + 3);
    if (path.empty() && slash != std::string::npos) path = external_url.substr(slash);
  }
  const size_t first = path.find_first_not_of('/');
  const size_t last = path.find_last_not_of('/');
  route_prefix = first == std::string::npos ? "" : "/" + path.substr(first, last - first + 1);
  if (!telemetry_path.starts_with('/')) telemetry_path = "/" + telemetry_path;
  return Ok();
}

void LogFlags::AddTo(FlagSet* flags) {
  flags->Enum("log.level", "Only log messages with the given severity or above.",
              {"debug", "info", "warn", "error"}, &level);
  flags->Enum("log.format", "Output format of log messages.", {"logfmt", "json"}, &format);
}

}  // namespace vigil::toolkit
