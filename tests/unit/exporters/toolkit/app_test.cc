// SPDX-License-Identifier: Apache-2.0
#include "exporters/toolkit/app.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "client-lib/http/client.h"

namespace vigil::toolkit {
namespace {

AppInfo TestInfo() {
  AppInfo info;
  info.program = "vigil-test";
  info.metric_name = "test";
  info.title = "Test <Exporter>";
  info.description = "Tests & more.";
  info.default_address = "127.0.0.1:0";
  info.has_prefix = true;
  return info;
}

void Parse(App& app, std::vector<const char*> args) {
  args.insert(args.begin(), "vigil-test");
  app.ParseOrExit(static_cast<int>(args.size()), args.data());
}

http::ClientResponse Get(const App& app, const std::string& path) {
  http::ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(app.ports().at(0)) + path;
  auto options = std::make_shared<http::ClientOptions>();
  options->follow_redirects = false;
  request.options = options;
  Result<http::ClientResponse> response = http::Fetch(std::move(request));
  EXPECT_TRUE(response) << response.error().message;
  return response ? *std::move(response) : http::ClientResponse();
}

TEST(App, ServesMetricsHealthAndLandingPage) {
  App app(TestInfo());
  Parse(app, {});
  bool ready = false;
  app.SetReady([&] { return ready; });
  app.ServeMetrics([](const http::Request&, MetricSink* sink) -> Result<void> {
    sink->Gauge("answer", "The answer.", 42);
    return Ok();
  });
  ASSERT_TRUE(app.Start());
  const http::ClientResponse page = Get(app, "/metrics");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(page.body.find("# HELP answer The answer.\n# TYPE answer gauge\nanswer 42\n"),
            std::string::npos);
  for (const char* name : {"test_build_info{", "process_cpu_seconds_total ", "process_open_fds ",
                           "process_start_time_seconds ", "process_resident_memory_bytes ",
                           "promhttp_metric_handler_requests_in_flight 1\n",
                           "promhttp_metric_handler_requests_total{code=\"200\"} 0\n"}) {
    EXPECT_NE(page.body.find(std::string("\n") + name), std::string::npos) << name << page.body;
  }
  EXPECT_NE(Get(app, "/metrics").body.find("requests_total{code=\"200\"} 1\n"), std::string::npos);
  EXPECT_EQ(Get(app, "/-/healthy").body, "OK\n");
  EXPECT_EQ(Get(app, "/-/ready").status, 503);
  ready = true;
  EXPECT_EQ(Get(app, "/-/ready").status, 200);
  const std::string landing = Get(app, "/").body;
  EXPECT_NE(landing.find("Test &lt;Exporter&gt;"), std::string::npos);
  EXPECT_NE(landing.find("<a href=\"/metrics\">Metrics</a>"), std::string::npos);
  EXPECT_EQ(Get(app, "/other").status, 404);
}

TEST(App, CollectErrorsBecomeStatusCodes) {
  App app(TestInfo());
  Parse(app, {});
  app.ServeMetrics([](const http::Request& request, MetricSink* sink) -> Result<void> {
    if (request.query == "bad") return BadData("no such collector");
    if (request.query == "broken") return Internal("broken");
    sink->Gauge("a", "A.", 1);
    sink->Gauge("a", "A.", 2);
    return Ok();
  });
  ASSERT_TRUE(app.Start());
  EXPECT_EQ(Get(app, "/metrics?bad").status, 400);
  EXPECT_EQ(Get(app, "/metrics?bad").body, "no such collector\n");
  EXPECT_EQ(Get(app, "/metrics?broken").status, 500);
  EXPECT_EQ(Get(app, "/metrics").status, 200);
  EXPECT_NE(Get(app, "/metrics").body.find("errors_total{cause=\"gathering\"} 1\n"),
            std::string::npos);
}

TEST(App, PutsRoutesBelowThePrefix) {
  App app(TestInfo());
  Parse(app, {"--web.external-url=http://x/pre/", "--web.telemetry-path=/m"});
  app.ServeMetrics(nullptr, {.self_metrics = false, .build_info = true, .max_requests = 0});
  ASSERT_TRUE(app.Start());
  const std::string page = Get(app, "/pre/m").body;
  EXPECT_TRUE(page.starts_with("# HELP test_build_info")) << page;
  EXPECT_EQ(page.find("process_"), std::string::npos);
  EXPECT_EQ(Get(app, "/pre/-/healthy").status, 200);
  EXPECT_EQ(Get(app, "/").status, 302);
  EXPECT_EQ(Get(app, "/").headers.Get("Location"), "/pre/");
  EXPECT_NE(Get(app, "/pre/").body.find("href=\"/pre/m\""), std::string::npos);
}

TEST(App, TheFrontAnswersUntilTheRoutesDo) {
  App app(TestInfo());
  Parse(app, {});
  ASSERT_TRUE(app.StartBehind([](http::Request& request) {
    return http::Response::Text(503, "front " + request.raw_path);
  }));
  const std::vector<int> ports = app.ports();
  EXPECT_EQ(Get(app, "/-/healthy").body, "front /-/healthy");
  app.Route("GET", "/route",
            [](const http::Request&) { return http::Response::Text(200, "route"); });
  EXPECT_EQ(Get(app, "/route").status, 503);
  ASSERT_TRUE(app.Start());
  EXPECT_EQ(app.ports(), ports);
  EXPECT_EQ(Get(app, "/route").body, "route");
  EXPECT_EQ(Get(app, "/-/healthy").body, "OK\n");
}

TEST(App, RefusesTooManyScrapesAtATime) {
  App app(TestInfo());
  Parse(app, {});
  app.ServeMetrics(nullptr, {.self_metrics = true, .build_info = true, .max_requests = 1});
  ASSERT_TRUE(app.Start());
  app.self_metrics().BeginScrape();  // one is under way
  EXPECT_EQ(Get(app, "/metrics").status, 503);
  app.self_metrics().EndScrape(200);
  EXPECT_EQ(Get(app, "/metrics").status, 200);
}

TEST(App, StopsAndReloadsBySignal) {
  App app(TestInfo());
  Parse(app, {});
  int reloads = 0;
  std::thread sender([] { kill(getpid(), SIGHUP); });
  sender.join();
  app.RequestReload();
  const auto reload = [&] {
    if (++reloads == 2) kill(getpid(), SIGTERM);
  };
  EXPECT_EQ(app.Run(reload), 0);
  EXPECT_EQ(reloads, 2);
}

TEST(App, ABadAddressIsExitCodeOne) {
  App app(TestInfo());
  Parse(app, {"--web.listen-address=[::1]:0"});
  EXPECT_EQ(app.Run(), 1);
}

TEST(AppDeathTest, FlagsEndTheProcess) {
  EXPECT_EXIT(
      {
        App app(TestInfo());
        Parse(app, {"--nonsense"});
      },
      testing::ExitedWithCode(1), "vigil-test: error: unknown long flag '--nonsense', try --help");
  EXPECT_EXIT(
      {
        App app(TestInfo());
        Parse(app, {"--version"});
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace vigil::toolkit
