// SPDX-License-Identifier: Apache-2.0
// See query_api.h.
#include "server/web/query_api.h"

#include <algorithm>
#include <chrono>

#include "client-lib/model/float_text.h"

namespace vigil::web {
namespace {

constexpr int64_t kMaxPoints = 11'000;

// Leaves the gate with the scope.
class GateGuard {
 public:
  explicit GateGuard(QueryGate& gate) : gate_(gate) {}
  ~GateGuard() { gate_.Leave(); }
  GateGuard(const GateGuard&) = delete;
  GateGuard& operator=(const GateGuard&) = delete;

 private:
  QueryGate& gate_;
};

void WriteVector(const promql::QueryResult& result, size_t limit, JsonWriter& json) {
  json.BeginArray();
  for (size_t i = 0; i < std::min(limit, result.series.size()); ++i) {
    const promql::ResultSeries& series = result.series[i];
    json.BeginObject().Key("metric").LabelSet(series.labels);
    if (series.histograms.empty()) {
      json.Key("value").Point(series.timestamps.front(), series.values.front());
    } else {
      const HistogramSample& sample = series.histograms.front();
      json.Key("histogram").HistogramPoint(sample.timestamp, *sample.histogram);
    }
    json.EndObject();
  }
  json.EndArray();
}

// "values" and "histograms", each only if there are any.
void WritePoints(const promql::ResultSeries& series, JsonWriter& json) {
  bool any = false;
  for (size_t k = 0; k < series.values.size(); ++k) {
    if (IsStaleNaN(series.values[k])) continue;
    if (!any) json.Key("values").BeginArray();
    any = true;
    json.Point(series.timestamps[k], series.values[k]);
  }
  if (any) json.EndArray();
  if (series.histograms.empty()) return;
  json.Key("histograms").BeginArray();
  for (const HistogramSample& sample : series.histograms) {
    json.HistogramPoint(sample.timestamp, *sample.histogram);
  }
  json.EndArray();
}

void WriteMatrix(const promql::QueryResult& result, size_t limit, JsonWriter& json) {
  json.BeginArray();
  for (size_t i = 0; i < std::min(limit, result.series.size()); ++i) {
    const promql::ResultSeries& series = result.series[i];
    json.BeginObject().Key("metric").LabelSet(series.labels);
    WritePoints(series, json);
    json.EndObject();
  }
  json.EndArray();
}

void WriteStats(const promql::QueryStats& stats, bool per_step, JsonWriter& json) {
  json.Key("stats").BeginObject();
  json.Key("timings").BeginObject();
  json.Key("evalTotalTime").Number(stats.eval_total_s);
  json.Key("resultSortTime").Number(stats.result_sort_s);
  json.Key("queryPreparationTime").Number(stats.query_preparation_s);
  json.Key("innerEvalTime").Number(stats.inner_eval_s);
  json.Key("execQueueTime").Number(stats.exec_queue_s);
  json.Key("execTotalTime").Number(stats.exec_total_s);
  json.EndObject();
  json.Key("samples").BeginObject();
  if (per_step && !stats.total_queryable_samples_per_step.empty()) {
    json.Key("totalQueryableSamplesPerStep").BeginArray();
    for (const int64_t count : stats.total_queryable_samples_per_step) json.Int(count);
    json.EndArray();
  }
  json.Key("totalQueryableSamples").Int(stats.total_queryable_samples);
  json.Key("peakSamples").Int(stats.peak_samples);
  json.EndObject().EndObject();
}

double SecondsBetween(int64_t begin_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - begin_ns) / 1e9;
}

}  // namespace

Result<void> QueryGate::Enter(int64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  const bool entered =
      changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return free_ > 0; });
  if (!entered) return Timeout("query timed out in query queue");
  --free_;
  return Ok();
}

void QueryGate::Leave() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++free_;
  }
  changed_.notify_one();
}

void WriteResult(const promql::QueryResult& result, size_t limit, bool with_stats,
                 bool stats_per_step, JsonWriter& json) {
  if (limit == 0) limit = result.series.size();
  json.BeginObject().Field("resultType", promql::ValueTypeApiName(result.type)).Key("result");
  switch (result.type) {
    case promql::ValueType::kVector:
      WriteVector(result, limit, json);
      break;
    case promql::ValueType::kMatrix:
      WriteMatrix(result, limit, json);
      break;
    case promql::ValueType::kScalar:
      // Scalars never switch to an exponent, unlike samples (a quirk clients rely on).
      json.BeginArray().Seconds(result.timestamp).String(FormatFloatF(result.scalar)).EndArray();
      break;
    default:
      json.BeginArray().Seconds(result.timestamp).String(result.text).EndArray();
  }
  if (with_stats) WriteStats(result.stats, stats_per_step, json);
  json.EndObject();
}

Result<Annotations> QueryApi::Instant(const ApiRequest& request, JsonWriter& json) {
  promql::QueryRequest query;
  query.start = TRY(request.TimeOr("time", clock_.Now()));
  query.end = query.start;
  return Run(request, std::move(query), json);
}

Result<Annotations> QueryApi::Range(const ApiRequest& request, JsonWriter& json) {
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
  return Run(request, std::move(query), json);
}

Result<Annotations> QueryApi::Run(const ApiRequest& request, promql::QueryRequest query,
                                  JsonWriter& json) {
  query.text = request.Get("query");
  query.timeout_ms = TRY(request.DurationOrZero("timeout"));
  query.lookback_delta_ms = TRY(request.DurationOrZero("lookback_delta"));
  query.stop = stop_;
  const size_t limit = TRY(request.Limit());
  const std::string& stats = request.Get("stats");

  const int64_t queued_ns = clock_.MonotonicNs();
  const DurationMs engine_timeout = engine_.options().timeout_ms;
  TRY(gate_.Enter(query.timeout_ms > 0 ? std::min(query.timeout_ms, engine_timeout)
                                       : engine_timeout));
  const GateGuard guard(gate_);
  const int64_t started_ns = clock_.MonotonicNs();

  Result<promql::QueryResult> result = engine_.Execute(store_, query);
  if (!result) {
    // A parse error names the parameter it came in; other errors stand for themselves.
    if (result.error().kind == ErrorKind::kBadData) {
      return InvalidParameter("query", result.error().message);
    }
    return result.error();
  }
  result->stats.exec_queue_s = SecondsBetween(queued_ns, started_ns);
  result->stats.exec_total_s = SecondsBetween(queued_ns, clock_.MonotonicNs());
  WriteResult(*result, limit, !stats.empty(), stats == "all", json);
  Annotations annotations{std::move(result->warnings), std::move(result->infos)};
  if (limit > 0 && result->series.size() > limit) {
    annotations.warnings.emplace_back("results truncated due to limit");
  }
  return annotations;
}

}  // namespace vigil::web
