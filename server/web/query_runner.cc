// SPDX-License-Identifier: Apache-2.0
#include "server/web/query_runner.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace vigil::web {
namespace {

constexpr int64_t kMaxPoints = 11'000;

double SecondsBetween(int64_t begin_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) / 1e9;
}

promql::QueryOrigin OriginOf(const promql::QueryRequest& query) {
  promql::QueryOrigin origin;
  origin.text = query.text;
  origin.kind = query.instant() ? promql::QueryKind::kInstant : promql::QueryKind::kRange;
  origin.start = query.start;
  origin.end = query.end;
  origin.step_ms = query.step_ms;
  return origin;
}

}  // namespace

Result<promql::QueryRequest> QueryRunner::ReadInstant(const ApiRequest& request) const {
  promql::QueryRequest query;
  query.start = TRY(request.TimeOr("time", clock_.Now()));
  query.end = query.start;
  TRY(ReadRest(request, &query));
  return query;
}

Result<promql::QueryRequest> QueryRunner::ReadRange(const ApiRequest& request) const {
  promql::QueryRequest query;
  query.start = TRY(request.Time("start"));
  query.end = TRY(request.Time("end"));
  if (query.end < query.start) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  query.step_ms = TRY(request.Duration("step"));
  if (query.step_ms <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try "
                            "a positive integer");
  }
  if ((query.end - query.start) / query.step_ms > kMaxPoints) {
    return BadData(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  TRY(ReadRest(request, &query));
  return query;
}

Result<void> QueryRunner::ReadRest(const ApiRequest& request, promql::QueryRequest* query) const {
  query->text = request.Get("query");
  query->timeout_ms = TRY(request.DurationOrZero("timeout"));
  query->lookback_delta_ms = TRY(request.DurationOrZero("lookback_delta"));
  // As Thanos has it: which roll-ups may stand in for samples.
  const std::string& resolution = request.Get("max_source_resolution");
  if (!resolution.empty() && resolution != "auto") {
    query->max_source_resolution_ms = TRY(request.Duration("max_source_resolution"));
    if (query->max_source_resolution_ms < 0) {
      return InvalidParameter("max_source_resolution", "it must not be negative");
    }
  }
  return Ok();
}

Result<promql::ExprPtr> QueryRunner::Parse(const promql::QueryRequest& query) const {
  Result<promql::ExprPtr> expr = promql::ParseExpr(query.text, engine_.options().parser);
  if (!expr) return InvalidParameter("query", expr.error().message);
  return expr;
}

std::shared_ptr<RunningQuery> QueryRunner::Begin(const http::Request& request,
                                                 promql::QueryOrigin origin) {
  return std::make_shared<RunningQuery>(RunningQuery::World{active_, clients_, clock_}, request,
                                        std::move(origin), engine_.MakeMemory(),
                                        engine_.options().timeout_ms);
}

Result<std::unique_ptr<GateGuard>> QueryRunner::TakeTurn(RunningQuery* running) {
  TRY(gate_.Enter(engine_.options().timeout_ms, running->stop()));
  running->Start();
  return std::make_unique<GateGuard>(gate_);
}

Result<RanQuery> QueryRunner::Run(const ApiRequest& request, promql::QueryRequest query,
                                  const promql::Expr& expr) {
  std::shared_ptr<RunningQuery> running = Begin(request.http, OriginOf(query));
  query.stop = running->stop();
  query.progress = &running->progress();
  const int64_t queued_ns = clock_.MonotonicNs();
  const DurationMs engine_timeout = engine_.options().timeout_ms;
  const DurationMs timeout =
      query.timeout_ms > 0 ? std::min(query.timeout_ms, engine_timeout) : engine_timeout;
  TRY(gate_.Enter(timeout, query.stop));
  const GateGuard guard(gate_);
  running->Start();
  const int64_t started_ns = clock_.MonotonicNs();
  // What it has waited is off its time.
  query.timeout_ms = std::max<DurationMs>(1, timeout - (started_ns - queued_ns) / 1'000'000);

  Result<promql::QueryResult> result = engine_.Execute(store_, expr, query);
  promql::QueryStats of_error;
  promql::QueryStats& stats = result ? result->stats : of_error;
  stats.exec_queue_s = SecondsBetween(queued_ns, started_ns);
  stats.exec_total_s = SecondsBetween(queued_ns, clock_.MonotonicNs());
  Count(stats);
  log_.Write({request.http, query, stats, result ? "" : result.error().message});
  if (!result && result.error().kind == ErrorKind::kBadData) {
    return InvalidParameter("query", result.error().message);
  }
  if (!result) return result.error();
  return RanQuery{*std::move(result), std::move(running)};
}

void QueryRunner::Count(const promql::QueryStats& stats) {
  totals_.queries.fetch_add(1, std::memory_order_relaxed);
  totals_.samples.fetch_add(stats.total_queryable_samples, std::memory_order_relaxed);
  totals_.queue_s.fetch_add(stats.exec_queue_s, std::memory_order_relaxed);
  totals_.prepare_s.fetch_add(stats.query_preparation_s, std::memory_order_relaxed);
  totals_.inner_eval_s.fetch_add(stats.inner_eval_s, std::memory_order_relaxed);
  totals_.result_sort_s.fetch_add(stats.result_sort_s, std::memory_order_relaxed);
}

void QueryRunner::CollectMetrics(toolkit::MetricSink* sink) const {
  sink->Gauge("prometheus_engine_queries",
              "The current number of queries being executed or waiting.",
              static_cast<double>(active_.expressions()));
  sink->Gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.",
              static_cast<double>(max_concurrency_));
  sink->Gauge("prometheus_engine_query_log_enabled", "State of the query log.",
              log_.enabled() ? 1.0 : 0.0);
  sink->Counter("prometheus_engine_query_log_failures_total", "The number of query log failures.",
                static_cast<double>(log_.failures()));
  sink->Counter("prometheus_engine_query_samples_total",
                "The total number of samples loaded by all queries.",
                static_cast<double>(totals_.samples.load()));
  const auto timings = sink->Family("prometheus_engine_query_duration_seconds", "Query timings",
                                    toolkit::MetricSink::MetricType::kSummary);
  const auto queries = static_cast<double>(totals_.queries.load());
  const auto add = [&](std::string_view slice, double seconds) {
    const LabelView label{"slice", slice};
    sink->Add(timings, std::span(&label, 1), seconds, "_sum");
    sink->Add(timings, std::span(&label, 1), queries, "_count");
  };
  add("inner_eval", totals_.inner_eval_s.load());
  add("prepare_time", totals_.prepare_s.load());
  add("queue_time", totals_.queue_s.load());
  add("result_sort", totals_.result_sort_s.load());
}

}  // namespace vigil::web
