// SPDX-License-Identifier: Apache-2.0
// See query_api.h.
#include "server/web/query_api.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "client-lib/model/float_text.h"

namespace vigil::web {
namespace {

// Results of so many points are written while they are sent: the client reads the first ones
// meanwhile, and the whole text is never in memory.
constexpr size_t kStreamFrom = 4096;

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
  if (!std::ranges::all_of(series.values, IsStaleNaN)) {
    json.Key("values").Points(series.timestamps, series.values);
  }
  if (series.histograms.empty()) return;
  json.Key("histograms").BeginArray();
  for (const HistogramSample& sample : series.histograms) {
    json.HistogramPoint(sample.timestamp, *sample.histogram);
  }
  json.EndArray();
}

void WriteMatrix(const promql::QueryResult& result, size_t limit, JsonWriter& json) {
  json.BeginArray();
  for (size_t i = 0; i < std::min(limit, result.series.size()) && !json.gone(); ++i) {
    const promql::ResultSeries& series = result.series[i];
    json.BeginObject().Key("metric").LabelSet(series.labels);
    WritePoints(series, json);
    json.EndObject();
  }
  json.EndArray();
}

size_t PointsOf(const promql::QueryResult& result) {
  size_t points = 0;
  for (const promql::ResultSeries& series : result.series) points += series.values.size();
  return points;
}

}  // namespace

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
  json.Key("samplesRead").Int(stats.samples_read);
  json.EndObject().EndObject();
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
  return Run(request, TRY(runner_.ReadInstant(request)), json);
}

Result<Annotations> QueryApi::Range(const ApiRequest& request, JsonWriter& json) {
  return Run(request, TRY(runner_.ReadRange(request)), json);
}

Result<Annotations> QueryApi::Run(const ApiRequest& request, promql::QueryRequest query,
                                  JsonWriter& json) {
  const size_t limit = TRY(request.Limit());
  const std::string& stats = request.Get("stats");
  const promql::ExprPtr expr = TRY(runner_.Parse(query));
  auto ran = std::make_shared<RanQuery>(TRY(runner_.Run(request, std::move(query), *expr)));
  promql::QueryResult& result = ran->result;
  Annotations annotations{std::move(result.warnings), std::move(result.infos), {}, {}};
  if (limit > 0 && result.series.size() > limit) {
    annotations.warnings.emplace_back("results truncated due to limit");
  }
  const auto write = [limit, stats](const promql::QueryResult& what, JsonWriter& to) {
    WriteResult(what, limit, !stats.empty(), stats == "all", to);
  };
  if (PointsOf(result) < kStreamFrom) {
    write(result, json);
    return annotations;
  }
  // It stays in the list of running queries until the client has it.
  ran->running->BeginSending();
  annotations.stop = ran->running->stop();
  annotations.data = [write, ran = std::move(ran)](JsonWriter& to) { write(ran->result, to); };
  return annotations;
}

}  // namespace vigil::web
