// SPDX-License-Identifier: Apache-2.0
// The edge of a binary, put together.
#include "exporters/toolkit/app.h"

#include <cstdio>
#include <cstdlib>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "exporters/toolkit/version.h"

namespace vigil::toolkit {
namespace {

constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

int StatusOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kBadData:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kUnavailable:
    case ErrorKind::kTimeout:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

App::App(AppInfo info)
    : info_(std::move(info)),
      flags_(info_.program, info_.description),
      web_flags_(info_.default_address),
      self_metrics_(info_.metric_name) {
  flags_.SetVersion(VersionText(info_.program));
  web_flags_.AddTo(&flags_);
  if (info_.has_telemetry_path) web_flags_.AddTelemetryPathTo(&flags_);
  if (info_.has_prefix) web_flags_.AddPrefixTo(&flags_);
  log_flags_.AddTo(&flags_);
  landing_page_.title = info_.title;
  landing_page_.description = info_.description;
  landing_page_.version = VersionText(info_.program).substr(info_.program.size() + 2);
  landing_page_.version.resize(landing_page_.version.find('\n'));
}

App::~App() { Stop(); }

void App::ParseOrExit(int argc, const char* const* argv) {
  flags_.ParseOrExit(argc, argv);
  const Result<void> normal = web_flags_.Normalise();
  const Result<void> logging = log::Configure(log_flags_.level, log_flags_.format);
  for (const Result<void>* result : {&normal, &logging}) {
    if (*result) continue;
    std::fprintf(stderr, "%s: error: %s\n", info_.program.c_str(), result->error().message.c_str());
    std::exit(1);
  }
}

void App::Route(std::string_view methods, std::string_view pattern, http::Handler handler) {
  router_.Add(methods, web_flags_.route_prefix + std::string(pattern), std::move(handler));
}

http::Response App::AnswerScrape(const http::Request& request, const Collect& collect,
                                 const MetricsOptions& options) {
  if (options.max_requests > 0 && self_metrics_.in_flight() > options.max_requests) {
    return http::Response::Text(503, "Limit of concurrent requests reached (" +
                                         std::to_string(options.max_requests) +
                                         "), try again later.\n");
  }
  std::unique_ptr<MetricSink> sink = TakeSink();
  const Result<void> collected = collect ? collect(request, sink.get()) : Ok();
  if (!collected) {
    ReturnSink(std::move(sink));
    return http::Response::Text(StatusOf(collected.error()), collected.error().message + "\n");
  }
  if (options.self_metrics) {
    self_metrics_.Collect(sink.get());
  } else if (options.build_info) {
    self_metrics_.CollectBuildInfo(sink.get());
  }
  http::Response response;
  response.content_type = kTextFormat;
  response.body.reserve(last_page_bytes_.load(std::memory_order_relaxed) + 4096);
  std::vector<std::string> problems;
  sink->Render(&response.body, &problems);
  ReturnSink(std::move(sink));
  last_page_bytes_.store(response.body.size(), std::memory_order_relaxed);
  for (const std::string& problem : problems) log::Error("metrics", problem);
  self_metrics_.CountGatheringErrors(problems.size());
  return response;
}

// Sinks keep their memory between scrapes; more than one exists only while scrapes overlap.
std::unique_ptr<MetricSink> App::TakeSink() {
  std::unique_ptr<MetricSink> sink = idle_sink_.With([](auto& idle) { return std::move(idle); });
  return sink != nullptr ? std::move(sink) : std::make_unique<MetricSink>();
}

void App::ReturnSink(std::unique_ptr<MetricSink> sink) {
  sink->Clear();
  idle_sink_.With([&](auto& idle) { idle.swap(sink); });
}

void App::ServeMetrics(Collect collect, MetricsOptions options) {
  Route("GET", web_flags_.telemetry_path,
        [this, collect = std::move(collect), options](const http::Request& request) {
          self_metrics_.BeginScrape();
          http::Response response = AnswerScrape(request, collect, options);
          self_metrics_.EndScrape(response.status);
          return response;
        });
  landing_page_.links.insert(landing_page_.links.begin(),
                             {web_flags_.telemetry_path, "Metrics", ""});
}

void App::AddStandardRoutes() {
  Route("GET,HEAD", "/-/healthy",
        [this](const http::Request&) { return http::Response::Text(200, info_.healthy_text); });
  Route("GET,HEAD", "/-/ready", [this](const http::Request&) {
    if (ready_ && !ready_()) return http::Response::Text(503, "Service Unavailable\n");
    return http::Response::Text(200, info_.ready_text);
  });
  const std::string& prefix = web_flags_.route_prefix;
  if (info_.landing_page && web_flags_.telemetry_path != "/") {
    Route("GET", "/", [this](const http::Request&) {
      return http::Response::Html(landing_page_.Render(web_flags_.route_prefix));
    });
  }
  if (!prefix.empty()) {
    const auto redirect = [prefix](const http::Request&) {
      http::Response response = http::Response::Text(302, "");
      response.headers.Set("Location", prefix + "/");
      return response;
    };
    router_.Add("GET", "/", redirect);
    router_.Add("GET", prefix, redirect);
  }
}

void App::SetReady(std::function<bool()> ready) { ready_ = std::move(ready); }

Result<void> App::Start() {
  const bool listening = server_ != nullptr;
  if (!listening) gate_ = TRY(WebGate::Open(web_flags_.config_file));
  AddStandardRoutes();
  routed_.store(true, std::memory_order_release);
  return listening ? Ok() : Listen();
}

Result<void> App::StartBehind(http::Server::RootHandler front) {
  gate_ = TRY(WebGate::Open(web_flags_.config_file));
  front_ = std::move(front);
  return Listen();
}

Result<void> App::Listen() {
  http::ServerOptions options;
  options.listen_addresses = web_flags_.listen_addresses;
  options.tls = gate_->TlsOptions();
  options.threads = info_.http_threads;
  options.max_body_bytes = info_.max_body_bytes;
  options.before = [this](const http::Request& request) { return gate_->Before(request); };
  options.after = [this](const http::Request& request, http::Response* response) {
    gate_->After(request, response);
  };
  const bool tls = options.tls != nullptr;
  server_ = TRY(http::Server::Start(std::move(options), [this](http::Request& request) {
    if (routed_.load(std::memory_order_acquire)) return router_.Dispatch(request);
    return front_(request);
  }));
  const std::vector<int> listening = server_->ports();
  for (size_t i = 0; i < listening.size(); ++i) {
    const std::string& address = web_flags_.listen_addresses[i];
    log::Info(
        "web", "listening",
        {{"address", address.substr(0, address.rfind(':') + 1) + std::to_string(listening[i])},
         {"tls", tls}});
  }
  return Ok();
}

std::vector<int> App::ports() const {
  return server_ == nullptr ? std::vector<int>() : server_->ports();
}

void App::WaitForStop(const std::function<void()>& reload) {
  for (;;) {
    switch (signals_.Wait()) {
      case Signals::Event::kStop:
        log::Info("main", "stopping");
        return;
      case Signals::Event::kReload:
        if (reload) {
          reload();
        } else {
          log::Info("main", "nothing to reload");
        }
        break;
      case Signals::Event::kNone:
        break;
    }
  }
}

void App::Stop() {
  if (server_ != nullptr) server_->Stop();
  server_.reset();
}

int App::Run(const std::function<void()>& reload) {
  log::Info("main", "starting " + info_.program, {{"version", Version()}});
  const Result<void> started = Start();
  if (!started) {
    log::Error("main", "cannot start", {{"err", started.error()}});
    return 1;
  }
  WaitForStop(reload);
  Stop();
  log::Info("main", "stopped");
  return 0;
}

}  // namespace vigil::toolkit
