// SPDX-License-Identifier: Apache-2.0
// vigil-pushgateway: keeps the metrics of short-lived jobs until they are scraped.
#include "client-lib/base/log.h"
#include "exporters/toolkit/app.h"
#include "pushgateway/gateway.h"

int main(int argc, char** argv) {
  vigil::toolkit::AppInfo info;
  info.program = "vigil-pushgateway";
  info.metric_name = "pushgateway";
  info.title = "Pushgateway";
  info.description = "Keeps the metrics of short-lived jobs until they are scraped.";
  info.default_address = ":9091";
  info.has_prefix = true;
  info.landing_page = false;
  info.healthy_text = "OK";
  info.ready_text = "OK";
  vigil::toolkit::App app(info);
  vigil::pushgateway::GatewayOptions options;
  options.AddTo(&app.flags());
  app.ParseOrExit(argc, argv);
  if (const vigil::Result<void> good = options.Check(); !good) {
    vigil::log::Error("pushgateway", "cannot start", {{"error", good.error()}});
    return 1;
  }
  vigil::pushgateway::Gateway gateway(options);
  gateway.AddRoutes(&app);
  return app.Run();
}
