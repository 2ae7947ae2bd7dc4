// SPDX-License-Identifier: Apache-2.0
// What every query asked for over HTTP goes through: its parameters, its turn, the list of running
// queries, the log.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/http/disconnect_watcher.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/promql/active_queries.h"
#include "server/promql/engine.h"
#include "server/storage/storage.h"
#include "server/web/api_request.h"
#include "server/web/query_gate.h"
#include "server/web/query_log.h"
#include "server/web/running_query.h"

namespace vigil::web {

// A result and its place in the list of running queries, to be kept while it is sent.
struct RanQuery {
  promql::QueryResult result;
  std::shared_ptr<RunningQuery> running;
};

// Threads: any.
class QueryRunner {
 public:
  // When `stop` is requested all queries end.
  QueryRunner(const promql::Engine& engine, const storage::Queryable& store, const Clock& clock,
              size_t max_concurrency, std::stop_token stop)
      : engine_(engine),
        store_(store),
        clock_(clock),
        max_concurrency_(max_concurrency),
        gate_(max_concurrency),
        active_(clock, std::move(stop)),
        log_(clock) {}

  // The parameters of /query and of /query_range. bad_data with upstream's texts.
  [[nodiscard]] Result<promql::QueryRequest> ReadInstant(const ApiRequest& request) const;
  [[nodiscard]] Result<promql::QueryRequest> ReadRange(const ApiRequest& request) const;
  // The `query` parameter. bad_data: `invalid parameter "query": 1:2: parse error: ...`.
  [[nodiscard]] Result<promql::ExprPtr> Parse(const promql::QueryRequest& query) const;

  // Waits for the query's turn and runs it; both together take no longer than its timeout. It ends
  // early, as canceled, when the client goes away. REQUIRES: expr is of query.text.
  Result<RanQuery> Run(const ApiRequest& request, promql::QueryRequest query,
                       const promql::Expr& expr);

  // Puts another request into the list of running queries, with the limits of a query; it does not
  // wait for its turn.
  [[nodiscard]] std::shared_ptr<RunningQuery> Begin(const http::Request& request,
                                                    promql::QueryOrigin origin);
  // Its turn among the queries, for requests that read as much as a query does. Errors as those of
  // QueryGate::Enter.
  Result<std::unique_ptr<GateGuard>> TakeTurn(RunningQuery* running);

  // prometheus_engine_*
  void CollectMetrics(toolkit::MetricSink* sink) const;

  [[nodiscard]] promql::ActiveQueries& active() { return active_; }
  [[nodiscard]] QueryLog& log() { return log_; }

 private:
  // Of all queries that were executed.
  struct Totals {
    std::atomic<uint64_t> queries{0};
    std::atomic<int64_t> samples{0};
    std::atomic<double> queue_s{0};
    std::atomic<double> prepare_s{0};
    std::atomic<double> inner_eval_s{0};
    std::atomic<double> result_sort_s{0};
  };

  void Count(const promql::QueryStats& stats);
  Result<void> ReadRest(const ApiRequest& request, promql::QueryRequest* query) const;

  const promql::Engine& engine_;
  const storage::Queryable& store_;
  const Clock& clock_;
  const size_t max_concurrency_;
  Totals totals_;
  QueryGate gate_;
  promql::ActiveQueries active_;
  QueryLog log_;
  http::DisconnectWatcher clients_;
};

}  // namespace vigil::web
