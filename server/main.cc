// SPDX-License-Identifier: Apache-2.0
// vigil-server: flags, the world, signals.
#include <malloc.h>

#include <algorithm>
#include <thread>

#include "client-lib/base/log.h"
#include "exporters/toolkit/app.h"
#include "server/options.h"
#include "server/server.h"

namespace {

// Every query and flush takes megabytes and lets go of them at once. As it is, glibc gives them
// back to the system each time, and each page of them costs a fault the next time; and each of many
// arenas keeps the holes that the largest query left in it.
void SetUpAllocator() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);  // of each arena
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2 * std::thread::hardware_concurrency(), 4U)));
#endif
}

}  // namespace

int main(int argc, char** argv) {
  SetUpAllocator();
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
  const auto started = server.Start();
  if (!started) {
    vigil::log::Error("main", "cannot start", {{"err", started.error()}});
    return 1;
  }
  if (*started == vigil::server::Server::Started::kStopped) return 0;
  app.WaitForStop([&server] {
    // The reason of a failure is in the log.
    static_cast<void>(server.Reload().has_value());
  });
  server.Stop();
  return 0;
}
