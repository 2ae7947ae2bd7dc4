// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/accept.h"

#include <fmt/format.h>

#include <vector>

#include "client-lib/base/strings.h"

namespace vigil::scrape {
namespace {

constexpr std::string_view kText1 = "PrometheusText1.0.0";
constexpr std::string_view kText0 = "PrometheusText0.0.4";

}  // namespace

std::string AcceptHeader(const config::ScrapeConfig& job) {
  std::vector<std::string> formats;
  auto add = [&](std::string_view protocol) {
    if (protocol == kText1) {
      formats.push_back("text/plain;version=1.0.0;escaping=" + job.metric_name_escaping_scheme);
    } else if (protocol == kText0) {
      formats.emplace_back("text/plain;version=0.0.4");
    }
  };
  for (const std::string& protocol : job.scrape_protocols) add(protocol);
  if (formats.empty()) {
    add(kText1);
    add(kText0);
  }
  std::string header;
  size_t weight = formats.size() + 2;
  for (const std::string& format : formats) {
    header += fmt::format("{};q=0.{},", format, weight--);
  }
  return header + fmt::format("*/*;q=0.{}", weight);
}

Result<void> CheckContentType(std::string_view content_type, std::string_view fallback_protocol) {
  std::string type = AsciiLower(TrimSpace(content_type.substr(0, content_type.find(';'))));
  if (type == "text/plain") return Ok();
  if (type == "application/openmetrics-text" || type == "application/vnd.google.protobuf") {
    return BadData(fmt::format(
        "reading Content-Type {} is not supported yet: the target must answer text/plain",
        Quote(content_type)));
  }
  if (fallback_protocol.starts_with("PrometheusText")) return Ok();
  if (type.empty()) {
    return BadData(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
        "specified for target");
  }
  return BadData(
      fmt::format("received unsupported Content-Type {} and no fallback_scrape_protocol specified "
                  "for target",
                  Quote(content_type)));
}

}  // namespace vigil::scrape
