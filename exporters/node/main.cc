// SPDX-License-Identifier: Apache-2.0
// vigil-node-exporter: metrics of this host's hardware and kernel.
#include <cstdint>

#include "client-lib/base/log.h"
#include "exporters/node/collector_set.h"
#include "exporters/toolkit/app.h"

namespace {

using vigil::Result;

vigil::toolkit::AppInfo Info() {
  vigil::toolkit::AppInfo info;
  info.program = "vigil-node-exporter";
  info.metric_name = "node_exporter";
  info.title = "Node Exporter";
  info.description = "Metrics of this host's hardware and kernel for Prometheus.";
  info.default_address = ":9100";
  return info;
}

}  // namespace

int main(int argc, char** argv) {
  vigil::toolkit::App app(Info());
  vigil::node::CollectorSet collectors;
  bool no_exporter_metrics = false;
  int64_t max_requests = 40;
  app.flags().Bool("web.disable-exporter-metrics",
                   "Exclude metrics about the exporter itself (promhttp_*, process_*).",
                   &no_exporter_metrics);
  app.flags().Int("web.max-requests",
                  "Maximum number of parallel scrape requests. Use 0 to disable.", &max_requests);
  collectors.AddFlags(&app.flags());
  app.ParseOrExit(argc, argv);

  if (const Result<void> opened = collectors.Open(app.flags()); !opened) {
    vigil::log::Error("node", "cannot start", {{"error", opened.error()}});
    return 1;
  }
  for (const std::string& name : collectors.Enabled()) {
    vigil::log::Debug("node", "enabled collector", {{"collector", name}});
  }
  vigil::toolkit::App::MetricsOptions options;
  options.self_metrics = !no_exporter_metrics;
  options.max_requests = max_requests;
  app.ServeMetrics(
      [&](const vigil::http::Request& request, vigil::toolkit::MetricSink* sink) -> Result<void> {
        const auto params = TRY(vigil::http::Params::Parse(request.query));
        collectors.Scrape(TRY(collectors.ParseFilter(params)), sink);
        return vigil::Ok();
      },
      options);
  return app.Run([&] { collectors.Reload(); });
}
