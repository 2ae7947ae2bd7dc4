// SPDX-License-Identifier: Apache-2.0
// What every binary has at its edge, put together: flags, log, web server with web config file,
// landing page, health, /metrics, signals. A main is a dozen lines around it; see
// exporters/README.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/message.h"
#include "client-lib/http/server.h"
#include "exporters/toolkit/flags.h"
#include "exporters/toolkit/landing_page.h"
#include "exporters/toolkit/metric_sink.h"
#include "exporters/toolkit/self_metrics.h"
#include "exporters/toolkit/signals.h"
#include "exporters/toolkit/web_config.h"

namespace vigil::toolkit {

struct AppInfo {
  std::string program;             // "vigil-node-exporter": usage line, log, --version
  std::string metric_name;         // "node_exporter": <metric_name>_build_info
  std::string title;               // "Node Exporter": landing page
  std::string description;         // one sentence: --help, landing page
  std::string default_address;     // ":9100"
  bool has_telemetry_path = true;  // --web.telemetry-path
  bool has_prefix = false;         // --web.external-url, --web.route-prefix
  bool landing_page = true;        // false: the program serves `/` itself
  std::string healthy_text = "OK\n";
  std::string ready_text = "OK\n";
  int http_threads = 8;
  size_t max_body_bytes = 64 << 20;
};

// Order in main: construct, declare flags, ParseOrExit, add routes, Run (or Start, own loop, Stop).
// Threads: owner thread only, except RequestStop, RequestReload and SetReady.
class App {
 public:
  explicit App(AppInfo info);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  FlagSet& flags() { return flags_; }
  WebFlags& web_flags() { return web_flags_; }
  const AppInfo& info() const { return info_; }
  SelfMetrics& self_metrics() { return self_metrics_; }
  LandingPage& landing_page() { return landing_page_; }

  // --help, --version and bad flags end the process (FlagSet::ParseOrExit); sets up the log.
  void ParseOrExit(int argc, const char* const* argv);

  // A route below the route prefix. See http::Router for patterns.
  void Route(std::string_view methods, std::string_view pattern, http::Handler handler);

  // GET <telemetry path>: the sink's samples as text 0.0.4. An error from collect becomes the
  // answer: bad_data 400, unavailable 503, anything else 500. Duplicate series are dropped, logged
  // and counted in promhttp_metric_handler_errors_total.
  using Collect = std::function<Result<void>(const http::Request&, MetricSink*)>;
  struct MetricsOptions {
    bool self_metrics = true;  // build_info, process_*, promhttp_*
    bool build_info = true;    // also when self_metrics is off
    int64_t max_requests = 0;  // more at a time are 503; 0: no limit
  };
  void ServeMetrics(Collect collect, MetricsOptions options);
  void ServeMetrics(Collect collect) { ServeMetrics(std::move(collect), MetricsOptions()); }

  // Reads the web config file, listens, adds `/`, /-/healthy, /-/ready. The error names address
  // or file. Logs one line per address.
  Result<void> Start();
  // Listens already, with `front` in place of every route, until Start() changes over to the routes
  // without a gap. front is called from many threads and must work until Stop().
  Result<void> StartBehind(http::Server::RootHandler front);
  // The ports listened on, in the order of the addresses.
  [[nodiscard]] std::vector<int> ports() const;
  // /-/ready answers 503 until the function says true. Default: always ready.
  void SetReady(std::function<bool()> ready);

  // Waits for SIGTERM, SIGINT or RequestStop(); on SIGHUP or RequestReload() calls reload (may be
  // null: then SIGHUP only logs).
  void WaitForStop(const std::function<void()>& reload = nullptr);
  // Stops accepting, lets running requests end. Also done by the destructor.
  void Stop();
  void RequestStop() { signals_.RequestStop(); }
  void RequestReload() { signals_.RequestReload(); }
  Signals& signals() { return signals_; }

  // Start, WaitForStop, Stop; a start-up error is logged. Returns main's exit code.
  int Run(const std::function<void()>& reload = nullptr);

 private:
  void AddStandardRoutes();
  Result<void> Listen();
  http::Response AnswerScrape(const http::Request& request, const Collect& collect,
                              const MetricsOptions& options);
  std::unique_ptr<MetricSink> TakeSink();
  void ReturnSink(std::unique_ptr<MetricSink> sink);

  AppInfo info_;
  Signals signals_;  // before every thread
  FlagSet flags_;
  WebFlags web_flags_;
  LogFlags log_flags_;
  SelfMetrics self_metrics_;
  LandingPage landing_page_;
  http::Router router_;
  http::Server::RootHandler front_;
  std::atomic<bool> routed_{false};  // router_ is complete and answers
  std::function<bool()> ready_;
  Guarded<std::unique_ptr<MetricSink>> idle_sink_;
  std::atomic<size_t> last_page_bytes_{0};
  std::unique_ptr<WebGate> gate_;
  std::unique_ptr<http::Server> server_;  // last: its threads use all above
};

}  // namespace vigil::toolkit
