// SPDX-License-Identifier: Apache-2.0
// Counting of requests.
#include "pushgateway/request_counts.h"

#include <span>
#include <vector>

namespace vigil::pushgateway {

using toolkit::MetricSink;

void RequestCounts::Count(std::string_view handler, std::string_view method, int status) {
  std::tuple<std::string, std::string, int> key(handler, method, status);
  tables_.With([&](Tables& tables) { ++tables.requests[std::move(key)]; });
}

void RequestCounts::CountPush(std::string_view method, double seconds, size_t bytes) {
  const std::string key(method);
  tables_.With([&](Tables& tables) {
    Pushes& pushes = tables.pushes[key];
    ++pushes.count;
    pushes.seconds += seconds;
    pushes.bytes += static_cast<double>(bytes);
  });
}

void RequestCounts::Collect(MetricSink* sink) const {
  const Tables tables = tables_.Copy();
  for (const auto& [key, count] : tables.requests) {
    const auto& [handler, method, status] = key;
    sink->Counter("pushgateway_http_requests_total",
                  "Total HTTP requests processed by the Pushgateway, excluding scrapes.",
                  static_cast<double>(count),
                  {{"code", std::to_string(status)}, {"handler", handler}, {"method", method}});
  }
  const auto seconds = sink->Family("pushgateway_http_push_duration_seconds",
                                    "HTTP request duration for pushes to the Pushgateway.",
                                    MetricSink::MetricType::kSummary);
  const auto bytes = sink->Family("pushgateway_http_push_size_bytes",
                                  "HTTP request size for pushes to the Pushgateway.",
                                  MetricSink::MetricType::kSummary);
  for (const auto& [method, pushes] : tables.pushes) {
    const std::vector<LabelView> labels{{"method", method}};
    const std::span<const LabelView> view(labels);
    sink->Add(seconds, view, pushes.seconds, "_sum");
    sink->Add(seconds, view, static_cast<double>(pushes.count), "_count");
    sink->Add(bytes, view, pushes.bytes, "_sum");
    sink->Add(bytes, view, static_cast<double>(pushes.count), "_count");
  }
}

}  // namespace vigil::pushgateway
