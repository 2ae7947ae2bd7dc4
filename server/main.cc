// SPDX-License-Identifier: Apache-2.0
// vigil-server: flags, the world, signals.
#include "client-lib/base/log.h"
#include "exporters/toolkit/app.h"
#include "server/options.h"
#include "server/server.h"

int main(int argc, char** argv) {
  using vigil::toolkit::App;
  vigil::toolkit::AppInfo info;
  info.program = "vigil-server";
  info.metric_name = "prometheus";  // prometheus_build_info: what dashboards look for
  info.title = "Vigil";
  info.description = "The Vigil monitoring server: scrapes, stores in PostgreSQL, answers PromQL.";
  info.default_address = "0.0.0.0:9090";
  info.has_telemetry_path = false;
  info.has_prefix = true;
  info.landing_page = false;
  info.healthy_text = "Vigil Server is Healthy.\n";
  info.ready_text = "Vigil Server is Ready.\n";
  info.http_threads = 64;
  App app(info);

  vigil::server::Options options;
  options.AddTo(&app.flags());
  app.ParseOrExit(argc, argv);

  vigil::server::Server server(app, options);
  if (auto started = server.Start(); !started) {
    vigil::log::Error("main", "cannot start", {{"err", started.error()}});
    return 1;
  }
  app.WaitForStop([&server] {
    // The reason of a failure is in the log.
    static_cast<void>(server.Reload().has_value());
  });
  server.Stop();
  return 0;
}
