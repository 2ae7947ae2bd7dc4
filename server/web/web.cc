// SPDX-License-Identifier: Apache-2.0
// See web.h.
#include "server/web/web.h"

#include <algorithm>
#include <utility>

#include "server/promql/parser.h"
#include "server/web/static_files.h"

namespace vigil::web {
namespace {

http::Response NotReady() { return http::Response::Text(503, "Service Unavailable"); }

// The path of a request below the route prefix may differ; links on the pages are relative.
http::Response Page(std::string_view name) {
  const StaticFile* file = FindStaticFile(name);
  CHECK(file != nullptr);
  http::Response response;
  response.content_type = std::string(file->content_type);
  response.body = std::string(file->content);
  return response;
}

}  // namespace

Web::Web(Dependencies dependencies)
    : deps_(std::move(dependencies)),
      query_(deps_.engine, deps_.store, deps_.clock, deps_.max_concurrent_queries, deps_.stop),
      series_(deps_.store),
      exemplars_(deps_.engine, deps_.exemplars),
      targets_(deps_.scraper),
      status_(deps_.status, deps_.clock),
      admin_(deps_.admin) {}

void Web::AddRoutes(const AddRoute& add) {
  add_ = &add;
  AddApiRoutes();
  AddAdminRoutes();
  AddPages();
  AddLifecycle();
  add_ = nullptr;
}

void Web::AddApiRoutes() {
  // Method lists are upstream's: Grafana relies on 405 for POST where there is only GET.
  const auto bind = [](auto* object, auto member) -> ApiHandler {
    return [object, member](const ApiRequest& request, JsonWriter& json) {
      return (object->*member)(request, json);
    };
  };
  Api("GET,POST", "/api/v1/query", bind(&query_, &QueryApi::Instant));
  Api("GET,POST", "/api/v1/query_range", bind(&query_, &QueryApi::Range));
  Api("GET,POST", "/api/v1/query_exemplars", bind(&exemplars_, &ExemplarsApi::Query));
  Api("GET,POST", "/api/v1/series", bind(&series_, &SeriesApi::Series));
  Api("GET,POST", "/api/v1/labels", bind(&series_, &SeriesApi::LabelNames));
  Api("GET", "/api/v1/label/:name/values", bind(&series_, &SeriesApi::LabelValues));
  Api("GET", "/api/v1/targets", bind(&targets_, &TargetsApi::Targets));
  Api("GET", "/api/v1/targets/metadata", bind(&targets_, &TargetsApi::TargetMetadata));
  Api("GET", "/api/v1/scrape_pools", bind(&targets_, &TargetsApi::ScrapePools));
  Api("GET", "/api/v1/metadata", bind(&targets_, &TargetsApi::Metadata));
  Api("GET", "/api/v1/status/buildinfo", bind(&status_, &StatusApi::BuildInfo));
  Api("GET", "/api/v1/status/config", bind(&status_, &StatusApi::Config));
  Api("GET", "/api/v1/status/flags", bind(&status_, &StatusApi::Flags));
  Api("GET", "/api/v1/status/runtimeinfo", bind(&status_, &StatusApi::RuntimeInfo));
  Api("GET", "/api/v1/status/tsdb", bind(&status_, &StatusApi::Tsdb));
  // Answered during recovery, too: that is what it is for.
  Plain("GET,OPTIONS", "/api/v1/status/walreplay", [this](const http::Request& request) {
    return Answer(request, [this](const ApiRequest& api_request, JsonWriter& json) {
      return status_.WalReplay(api_request, json);
    });
  });
  Api("GET,POST", "/api/v1/format_query",
      [this](const ApiRequest& request, JsonWriter& json) -> Result<Annotations> {
        Result<promql::ExprPtr> expr =
            promql::ParseExpr(request.Get("query"), deps_.engine.options().parser);
        if (!expr) return InvalidParameter("query", expr.error().message);
        json.String(promql::Print(**expr));
        return Annotations{};
      });
  Plain("POST", "/api/v1/write", [this](const http::Request& request) {
    if (deps_.write_receiver == nullptr) {
      return http::Response::Text(
          404,
          "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
    }
    if (!deps_.ready()) return NotReady();
    return deps_.write_receiver->Handle(request);
  });
}

void Web::AddAdminRoutes() {
  const auto add = [this](std::string_view path, auto member) {
    Plain("POST,PUT", path, [this, member](const http::Request& request) {
      return deps_.admin.enabled && !deps_.ready() ? NotReady() : (admin_.*member)(request);
    });
  };
  add("/api/v1/admin/tsdb/delete_series", &AdminApi::DeleteSeries);
  add("/api/v1/admin/tsdb/clean_tombstones", &AdminApi::CleanTombstones);
  add("/api/v1/admin/tsdb/snapshot", &AdminApi::Snapshot);
}

void Web::AddPages() {
  Plain("GET", "/", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/query", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/graph", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/targets", [](const http::Request&) { return Page("targets.html"); });
  Plain("GET", "/static/:file", [](const http::Request& request) {
    const StaticFile* file = FindStaticFile(request.PathValue("file"));
    if (file == nullptr) return http::Response::Text(404, "404 page not found\n");
    return Page(request.PathValue("file"));
  });
}

void Web::AddLifecycle() {
  const auto enabled = [this](std::function<http::Response()> action) {
    return [this, action = std::move(action)](const http::Request&) {
      if (!deps_.lifecycle) return http::Response::Text(403, "Lifecycle API is not enabled.");
      return action();
    };
  };
  Plain("POST,PUT", "/-/reload", enabled([this] {
          Result<void> reloaded = deps_.reload();
          if (reloaded) return http::Response::Text(200, "");
          return http::Response::Text(
              500, "failed to reload config: " + reloaded.error().message + "\n");
        }));
  Plain("POST,PUT", "/-/quit", enabled([this] {
          deps_.quit();
          return http::Response::Text(200, "Requesting termination... Goodbye!");
        }));
}

void Web::Api(std::string_view methods, std::string_view path, ApiHandler handler) {
  Plain(std::string(methods) + ",OPTIONS", path,
        [this, handler = std::move(handler)](const http::Request& request) {
          if (!deps_.ready()) return NotReady();
          return Answer(request, handler);
        });
}

void Web::Plain(std::string_view methods, std::string_view path, http::Handler handler) {
  RouteCounter& counter = counters_.emplace_back(std::string(path));
  (*add_)(methods, path, [&counter, handler = std::move(handler)](const http::Request& request) {
    http::Response response = handler(request);
    const auto status = static_cast<size_t>(std::clamp(response.status, 0, 599));
    counter.by_status[status].fetch_add(1, std::memory_order_relaxed);
    return response;
  });
}

void Web::CollectMetrics(toolkit::MetricSink* sink) const {
  const auto family = sink->Family("prometheus_http_requests_total", "Counter of HTTP requests.",
                                   toolkit::MetricSink::MetricType::kCounter);
  for (const RouteCounter& counter : counters_) {
    for (size_t status = 0; status < 600; ++status) {
      const uint64_t count = counter.by_status[status].load(std::memory_order_relaxed);
      if (count == 0) continue;
      sink->Add(family, {{"handler", counter.pattern}, {"code", std::to_string(status)}},
                static_cast<double>(count));
    }
  }
}

}  // namespace vigil::web
