// SPDX-License-Identifier: Apache-2.0
// The server's routes in one table: /api/v1, the query page, life cycle.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "client-lib/base/clock.h"
#include "client-lib/http/message.h"
#include "client-lib/http/server.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/promql/engine.h"
#include "server/remote/read_handler.h"
#include "server/remote/write_receiver.h"
#include "server/scrape/scrape_manager.h"
#include "server/storage/storage.h"
#include "server/web/admin_api.h"
#include "server/web/alert_history_api.h"
#include "server/web/alertmanager_api.h"
#include "server/web/cors.h"
#include "server/web/exemplars_api.h"
#include "server/web/explain_api.h"
#include "server/web/expression_api.h"
#include "server/web/features_api.h"
#include "server/web/federate.h"
#include "server/web/notifications.h"
#include "server/web/pools_api.h"
#include "server/web/queries_api.h"
#include "server/web/query_api.h"
#include "server/web/query_runner.h"
#include "server/web/rules_api.h"
#include "server/web/search_api.h"
#include "server/web/self_metrics_api.h"
#include "server/web/series_api.h"
#include "server/web/status_api.h"
#include "server/web/targets_api.h"

namespace vigil::web {

// What main gives the web. References must outlive it.
struct Dependencies {
  const promql::Engine& engine;
  const storage::Queryable& store;
  const storage::ExemplarQueryable& exemplars;
  const scrape::ScrapeManager& scraper;
  const Clock& clock;
  const storage::MetadataReader* metadata = nullptr;  // of metrics that no target tells of now
  remote::ReadHandler& read_handler;
  Notifications& notifications;
  Cors cors;
  CurrentConfig config;
  remote::WriteReceiver* write_receiver = nullptr;  // null: --web.enable-remote-write-receiver off
  remote::WriteReceiver* otlp_receiver = nullptr;   // null: --web.enable-otlp-receiver off
  alerting::AlertingService* alerting = nullptr;    // null: no --alerting.config.file
  alerting::AlertHistoryReader* alert_history = nullptr;
  std::function<ClusterStatus()> cluster;  // null: the server is alone
  std::function<bool()> silenced;          // another one notifies in its place; null: never
  RulesSource rules;
  StatusSource status;
  AdminActions admin;
  size_t max_concurrent_queries = 20;
  std::stop_token stop;  // ends running queries
  bool lifecycle = false;
  bool search = false;  // --enable-feature=search-api
  size_t max_searched = 10'000;
  // Called by /-/reload: the error is the answer. Runs on the request's thread.
  std::function<Result<void>()> reload;
  std::function<void()> quit;
  // False until the store has recovered: the API then answers 503.
  std::function<bool()> ready;
};

// Threads: build on one; the handlers any.
class Web {
 public:
  explicit Web(Dependencies dependencies);

  using AddRoute =
      std::function<void(std::string_view methods, std::string_view pattern, http::Handler)>;
  void AddRoutes(const AddRoute& add);

  // Where queries are logged from now on; empty: nowhere. Reopens the file.
  Result<void> OpenQueryLog(const std::string& path) { return runner_.log().Open(path); }

  // Where running queries are listed.
  [[nodiscard]] promql::ActiveQueries& active_queries() { return runner_.active(); }

  // prometheus_http_requests_total{handler,code} and what is told of remote read.
  void CollectMetrics(toolkit::MetricSink* sink) const;

 private:
  // Requests of one route by status.
  struct RouteCounter {
    explicit RouteCounter(std::string p) : pattern(std::move(p)) {}
    std::string pattern;
    std::atomic<uint64_t> by_status[600]{};
  };

  void AddQueryRoutes();
  void AddSearchRoutes();
  void AddStatusRoutes();
  void AddProtocolRoutes();
  void AddAdminRoutes();
  void AddAlertmanagerRoutes();
  void AddPages();
  void AddLifecycle();
  // The kinds of routes. All are counted. JSON in the envelope, 503 until ready:
  void Api(std::string_view methods, std::string_view path, ApiHandler handler);
  // The same, served while the server recovers, too:
  void EarlyApi(std::string_view methods, std::string_view path, ApiHandler handler);
  // Whatever else is below /api/v1; CORS, 503 until ready:
  void Raw(std::string_view methods, std::string_view path, http::Handler handler);
  void Plain(std::string_view methods, std::string_view path, http::Handler handler);

  Dependencies deps_;
  QueryRunner runner_;
  QueryApi query_;
  ExplainApi explain_;
  QueriesApi queries_;
  SeriesApi series_;
  ExemplarsApi exemplars_;
  ExpressionApi expressions_;
  Federation federation_;
  TargetsApi targets_;
  PoolsApi pools_;
  SearchApi search_;
  StatusApi status_;
  SelfMetricsApi self_metrics_;
  AdminApi admin_;
  RulesApi rules_;
  AlertmanagerApi alertmanager_;
  AlertHistoryApi alert_history_;
  const AddRoute* add_ = nullptr;  // while AddRoutes runs
  std::deque<RouteCounter> counters_;
};

}  // namespace vigil::web
