// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/accept.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "client-lib/base/strings.h"

namespace vigil::scrape {
namespace {

constexpr std::string_view kProtobuf = "PrometheusProto";

struct Protocol {
  std::string_view name;
  std::string_view media_type;
  bool escaped;  // says how names are to be escaped
};
// Best first: the order when a job names none.
constexpr Protocol kProtocols[] = {
    {kProtobuf,
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
     false},
    {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", true},
    {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", false},
    {"PrometheusText1.0.0", "text/plain;version=1.0.0", true},
    {"PrometheusText0.0.4", "text/plain;version=0.0.4", false},
};

}  // namespace

std::string AcceptHeader(const config::ScrapeConfig& job, bool native_histograms) {
  std::vector<std::string> formats;
  const auto add = [&](const Protocol& protocol) {
    std::string& format = formats.emplace_back(protocol.media_type);
    if (protocol.escaped) format += ";escaping=" + job.metric_name_escaping_scheme;
  };
  for (const std::string& name : job.scrape_protocols) {
    for (const Protocol& protocol : kProtocols) {
      if (protocol.name == name) add(protocol);
    }
  }
  if (formats.empty()) {
    for (const Protocol& protocol : kProtocols) {
      if (protocol.name != kProtobuf || native_histograms) add(protocol);
    }
  }
  std::string header;
  size_t weight = std::size(kProtocols) + 1;
  for (const std::string& format : formats) {
    header += fmt::format("{};q=0.{},", format, weight--);
  }
  return header + fmt::format("*/*;q=0.{}", weight);
}

Result<exposition::Format> FormatOfAnswer(std::string_view content_type,
                                          std::string_view fallback_protocol) {
  using exposition::Format;
  const std::string type = AsciiLower(TrimSpace(content_type.substr(0, content_type.find(';'))));
  if (type == "text/plain") return Format::kText;
  if (type == "application/openmetrics-text") return Format::kOpenMetrics;
  if (type == "application/vnd.google.protobuf") return Format::kProtobuf;
  if (fallback_protocol == kProtobuf) return Format::kProtobuf;
  if (fallback_protocol.starts_with("PrometheusText")) return Format::kText;
  if (fallback_protocol.starts_with("OpenMetricsText")) return Format::kOpenMetrics;
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
