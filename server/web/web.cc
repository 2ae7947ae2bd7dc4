// SPDX-License-Identifier: Apache-2.0
// See web.h.
#include "server/web/web.h"

#include <algorithm>
#include <utility>

#include "server/web/receiver_drill_api.h"
#include "server/web/static_files.h"
#include "server/web/yaml_json.h"

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

http::Response JsonPage(std::string body) {
  http::Response response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

template <typename Api, typename Member>
ApiHandler Bind(Api* object, Member member) {
  return [object, member](const ApiRequest& request, JsonWriter& json) {
    return (object->*member)(request, json);
  };
}

}  // namespace

Web::Web(Dependencies dependencies)
    : deps_(std::move(dependencies)),
      runner_(deps_.engine, deps_.store, deps_.clock, deps_.max_concurrent_queries, deps_.stop),
      query_(runner_, deps_.engine.options().helper_threads),
      explain_(runner_),
      queries_(runner_.active(), deps_.admin.enabled),
      series_(runner_, deps_.store),
      exemplars_(runner_, deps_.engine, deps_.exemplars),
      expressions_(deps_.engine.options().parser),
      federation_(runner_, deps_.store, deps_.clock, deps_.engine.options().lookback_delta_ms,
                  [this] { return deps_.config()->global.external_labels; }),
      targets_(deps_.scraper, deps_.metadata),
      pools_(deps_.config),
      search_(runner_, deps_.store, deps_.scraper, deps_.clock, deps_.max_searched),
      status_(deps_.status, deps_.clock),
      self_metrics_(deps_.status.own_metrics),
      admin_(deps_.admin),
      rules_(deps_.rules),
      alertmanager_(deps_.alerting, deps_.clock, deps_.cluster, deps_.silenced),
      alert_history_(deps_.alert_history, deps_.alerting, deps_.clock) {}

void Web::AddRoutes(const AddRoute& add) {
  add_ = &add;
  AddQueryRoutes();
  AddSearchRoutes();
  AddStatusRoutes();
  AddProtocolRoutes();
  AddAdminRoutes();
  AddAlertmanagerRoutes();
  AddPages();
  AddLifecycle();
  add_ = nullptr;
}

// Method lists are upstream's: Grafana relies on 405 for POST where there is only GET.

void Web::AddQueryRoutes() {
  Api("GET,POST", "/api/v1/query", Bind(&query_, &QueryApi::Instant));
  Api("GET,POST", "/api/v1/query_range", Bind(&query_, &QueryApi::Range));
  Api("GET,POST", "/api/v1/query_explain", Bind(&explain_, &ExplainApi::Explain));
  Api("GET", "/api/v1/status/queries", Bind(&queries_, &QueriesApi::List));
  Api("GET,POST", "/api/v1/query_exemplars", Bind(&exemplars_, &ExemplarsApi::Query));
  Api("GET,POST", "/api/v1/format_query", Bind(&expressions_, &ExpressionApi::Format));
  Api("GET,POST", "/api/v1/parse_query", Bind(&expressions_, &ExpressionApi::Parse));
  Api("GET,POST", "/api/v1/series", Bind(&series_, &SeriesApi::Series));
  Api("GET,POST", "/api/v1/labels", Bind(&series_, &SeriesApi::LabelNames));
  Api("GET", "/api/v1/label/:name/values", Bind(&series_, &SeriesApi::LabelValues));
}

void Web::AddSearchRoutes() {
  const auto add = [this](std::string_view path, SearchKind kind) {
    Raw("GET,POST", path, [this, kind](const http::Request& request) {
      if (deps_.search) return search_.Handle(kind, request);
      http::Response response = ErrorAnswer(Unavailable("search API disabled"));
      response.status = 500;  // upstream's for what is switched off
      return response;
    });
  };
  add("/api/v1/search/metric_names", SearchKind::kMetricNames);
  add("/api/v1/search/label_names", SearchKind::kLabelNames);
  add("/api/v1/search/label_values", SearchKind::kLabelValues);
}

void Web::AddStatusRoutes() {
  Api("GET", "/api/v1/targets", Bind(&targets_, &TargetsApi::Targets));
  Api("GET", "/api/v1/targets/metadata", Bind(&targets_, &TargetsApi::TargetMetadata));
  Api("GET", "/api/v1/targets/relabel_steps", Bind(&pools_, &PoolsApi::RelabelSteps));
  Api("GET", "/api/v1/scrape_pools", Bind(&targets_, &TargetsApi::ScrapePools));
  Api("GET", "/api/v1/scrape_pools/config", Bind(&pools_, &PoolsApi::Config));
  Api("GET", "/api/v1/metadata", Bind(&targets_, &TargetsApi::Metadata));
  Api("GET", "/api/v1/rules", Bind(&rules_, &RulesApi::Rules));
  Api("GET", "/api/v1/alerts", Bind(&rules_, &RulesApi::Alerts));
  Api("GET", "/api/v1/alertmanagers", Bind(&rules_, &RulesApi::Alertmanagers));
  Api("GET", "/api/v1/alert_history", Bind(&alert_history_, &AlertHistoryApi::Alerts));
  Api("GET", "/api/v1/notification_history",
      Bind(&alert_history_, &AlertHistoryApi::Notifications));
  Api("GET", "/api/v1/alert_explain", Bind(&alert_history_, &AlertHistoryApi::Explain));
  Api("POST", "/api/v1/alert_acknowledge", Bind(&alert_history_, &AlertHistoryApi::Acknowledge));
  Api("POST", "/api/v1/alert_unacknowledge",
      Bind(&alert_history_, &AlertHistoryApi::Unacknowledge));
  Api("GET", "/api/v1/status/buildinfo", Bind(&status_, &StatusApi::BuildInfo));
  Api("GET", "/api/v1/status/config", Bind(&status_, &StatusApi::Config));
  Api("GET", "/api/v1/status/flags", Bind(&status_, &StatusApi::Flags));
  Api("GET", "/api/v1/status/runtimeinfo", Bind(&status_, &StatusApi::RuntimeInfo));
  Api("GET", "/api/v1/status/self_metrics", Bind(&self_metrics_, &SelfMetricsApi::List));
  Api("GET", "/api/v1/status/tsdb", Bind(&status_, &StatusApi::Tsdb));
  Api("GET", "/api/v1/status/tsdb/blocks", Bind(&status_, &StatusApi::Blocks));
  EarlyApi("GET", "/api/v1/status/walreplay", Bind(&status_, &StatusApi::WalReplay));
  EarlyApi("GET", "/api/v1/features", [this](const ApiRequest&, JsonWriter& json) {
    const FeatureSwitches switches{deps_.admin.enabled, deps_.lifecycle,
                                   deps_.write_receiver != nullptr, deps_.search};
    return ListFeatures(switches, deps_.engine.options(), json);
  });
  EarlyApi("GET", "/api/v1/notifications", Bind(&deps_.notifications, &Notifications::List));
  Plain("GET", "/version", [this](const http::Request&) { return JsonPage(status_.Version()); });
}

void Web::AddProtocolRoutes() {
  Plain("GET", "/api/v1/notifications/live", [this](const http::Request& request) {
    http::Response response = deps_.notifications.Live();
    deps_.cors.SetHeaders(request, &response);
    return response;
  });
  const auto describe = [this](std::string_view path, auto make) {
    Plain("GET", path, [this, make](const http::Request& request) {
      http::Response response = make();
      deps_.cors.SetHeaders(request, &response);
      return response;
    });
  };
  describe("/api/v1/openapi.yaml", [] { return Page("openapi.yaml"); });
  describe("/api/v1/openapi.json", [] {
    Result<std::string> json = YamlToJson(Page("openapi.yaml").body, "openapi.yaml");
    return json ? JsonPage(*std::move(json)) : ErrorAnswer(json.error());
  });
  Raw("POST", "/api/v1/read", [this](const http::Request& request) {
    promql::QueryOrigin origin;
    origin.kind = promql::QueryKind::kRemoteRead;
    return deps_.read_handler.Handle(request, runner_.Begin(request, std::move(origin)));
  });
  Raw("POST", "/api/v1/write", [this](const http::Request& request) {
    if (deps_.write_receiver != nullptr) return deps_.write_receiver->Handle(request);
    return http::Response::Text(
        404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n");
  });
  Raw("POST", "/api/v1/otlp/v1/metrics", [this](const http::Request& request) {
    if (deps_.otlp_receiver != nullptr) return deps_.otlp_receiver->HandleOtlp(request);
    return http::Response::Text(
        404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n");
  });
  Plain("GET", "/federate", [this](const http::Request& request) {
    return deps_.ready() ? federation_.Handle(request) : NotReady();
  });
  Plain("OPTIONS", "/api/v1/*", [this](const http::Request& request) {
    http::Response response;
    response.status = 204;
    response.content_type.clear();
    deps_.cors.SetHeaders(request, &response);
    return response;
  });
}

void Web::AddAdminRoutes() {
  const auto add = [this](std::string_view path, auto member) {
    Plain("POST,PUT", path, [this, member](const http::Request& request) {
      http::Response response =
          deps_.admin.enabled && !deps_.ready() ? NotReady() : (admin_.*member)(request);
      deps_.cors.SetHeaders(request, &response);
      return response;
    });
  };
  add("/api/v1/admin/tsdb/delete_series", &AdminApi::DeleteSeries);
  add("/api/v1/admin/tsdb/clean_tombstones", &AdminApi::CleanTombstones);
  add("/api/v1/admin/tsdb/snapshot", &AdminApi::Snapshot);
  Plain("POST,PUT", "/api/v1/admin/queries/:id/cancel", [this](const http::Request& request) {
    http::Response response = deps_.admin.enabled ? queries_.Cancel(request) : AdminDisabled();
    deps_.cors.SetHeaders(request, &response);
    return response;
  });
}

// All methods come to the API itself, which refuses in its own shape.
void Web::AddAlertmanagerRoutes() {
  const auto add = [this](std::string_view path, http::Handler handler) {
    Plain("GET,POST,PUT,DELETE,PATCH,OPTIONS", path,
          [this, handler = std::move(handler)](const http::Request& request) {
            http::Response response = deps_.ready() ? handler(request) : NotReady();
            deps_.cors.SetHeaders(request, &response);
            if (response.headers.Has("Access-Control-Allow-Methods")) {
              response.headers.Set("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
            }
            response.headers.Set("Cache-Control", "no-store");
            return response;
          });
  };
  Plain("GET", "/api/v2/openapi.yaml", [this](const http::Request& request) {
    http::Response response = Page("openapi_v2.yaml");
    deps_.cors.SetHeaders(request, &response);
    return response;
  });
  for (const AlertmanagerApi::Endpoint& endpoint : AlertmanagerApi::Endpoints()) {
    add(endpoint.path, [this, &endpoint](const http::Request& request) {
      return alertmanager_.Handle(endpoint, request);
    });
  }
  add("/api/v2/receivers/test", [this](const http::Request& request) {
    return TestReceiver(deps_.alerting, deps_.admin.enabled, request);
  });
  for (const char* rest : {"/api/v2", "/api/v2/*"}) {
    add(rest, [this](const http::Request& request) { return alertmanager_.HandleRest(request); });
  }
}

void Web::AddPages() {
  Plain("GET", "/", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/query", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/graph", [](const http::Request&) { return Page("index.html"); });
  Plain("GET", "/alerts", [](const http::Request&) { return Page("alerts.html"); });
  Plain("GET", "/rules", [](const http::Request&) { return Page("rules.html"); });
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
  const auto refuse = [](const http::Request&) {
    return http::Response::Text(405, "Only POST or PUT requests allowed");
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
  Plain("GET", "/-/reload", refuse);
  Plain("GET", "/-/quit", refuse);
}

void Web::Api(std::string_view methods, std::string_view path, ApiHandler handler) {
  Raw(methods, path, [handler = std::move(handler)](const http::Request& request) {
    return Answer(request, handler);
  });
}

void Web::EarlyApi(std::string_view methods, std::string_view path, ApiHandler handler) {
  Plain(methods, path, [this, handler = std::move(handler)](const http::Request& request) {
    http::Response response = Answer(request, handler);
    deps_.cors.SetHeaders(request, &response);
    return response;
  });
}

void Web::Raw(std::string_view methods, std::string_view path, http::Handler handler) {
  Plain(methods, path, [this, handler = std::move(handler)](const http::Request& request) {
    http::Response response = deps_.ready() ? handler(request) : NotReady();
    deps_.cors.SetHeaders(request, &response);
    return response;
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
  sink->Gauge("prometheus_remote_read_handler_queries",
              "The current number of remote read queries that are either in execution or queued on "
              "the handler.",
              static_cast<double>(deps_.read_handler.queries()));
  runner_.CollectMetrics(sink);
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
