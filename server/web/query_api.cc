// SPDX-License-Identifier: Apache-2.0
// See query_api.h.
#include "server/web/query_api.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/model/float_text.h"
#include "server/web/matrix_text.h"
#include "server/web/text_ahead.h"

namespace vigil::web {
namespace {

// Results of so many points are written while they are sent: the client reads the first ones
// meanwhile, and the whole text is never in memory.
constexpr size_t kStreamFrom = 4096;

size_t Limited(const ResultOptions& options, size_t series) {
  return options.limit == 0 ? series : std::min(options.limit, series);
}

void WriteVector(const promql::QueryResult& result, const ResultOptions& options,
                 JsonWriter& json) {
  json.BeginArray();
  for (size_t i = 0; i < Limited(options, result.series.size()); ++i) {
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

void WriteMatrix(const promql::QueryResult& result, const ResultOptions& options,
                 JsonWriter& json) {
  const std::span<const promql::ResultSeries> series = result.series;
  const MatrixText text(series.first(Limited(options, series.size())));
  json.BeginArray();
  if (json.gives_away()) {
    TextAhead ahead;
    ahead.count = text.parts();
    ahead.write = [&](size_t part, std::string* out) { text.WritePart(part, out); };
    ahead.send = [&](std::string_view part) { return !json.Insert(part).gone(); };
    ahead.helpers = options.helpers;
    ahead.helper_cpu_ns = options.helper_cpu_ns;
    // Whether the client has gone the writer knows.
    static_cast<void>(SendInOrder(ahead));
  } else {
    std::string piece;
    for (size_t part = 0; part < text.parts(); ++part) {
      piece.clear();
      text.WritePart(part, &piece);
      json.Insert(piece);
    }
  }
  json.EndArray();
}

size_t PointsOfResult(const promql::QueryResult& result) {
  size_t points = 0;
  for (const promql::ResultSeries& series : result.series) {
    points += series.values.size();
    for (const HistogramSample& sample : series.histograms) points += PointsOf(*sample.histogram);
  }
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

void WriteResult(const promql::QueryResult& result, const ResultOptions& options,
                 JsonWriter& json) {
  json.BeginObject().Field("resultType", promql::ValueTypeApiName(result.type)).Key("result");
  switch (result.type) {
    case promql::ValueType::kVector:
      WriteVector(result, options, json);
      break;
    case promql::ValueType::kMatrix:
      WriteMatrix(result, options, json);
      break;
    case promql::ValueType::kScalar:
      // Scalars never switch to an exponent, unlike samples (a quirk clients rely on).
      json.BeginArray().Seconds(result.timestamp).String(FormatFloatF(result.scalar)).EndArray();
      break;
    default:
      json.BeginArray().Seconds(result.timestamp).String(result.text).EndArray();
  }
  if (options.with_stats) WriteStats(result.stats, options.stats_per_step, json);
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
  ResultOptions options;
  options.limit = TRY(request.Limit());
  options.with_stats = !request.Get("stats").empty();
  options.stats_per_step = request.Get("stats") == "all";
  const promql::ExprPtr expr = TRY(runner_.Parse(query));
  auto ran = std::make_shared<RanQuery>(TRY(runner_.Run(request, std::move(query), *expr)));
  promql::QueryResult& result = ran->result;
  Annotations annotations{std::move(result.warnings), std::move(result.infos), {}, {}};
  if (options.limit > 0 && result.series.size() > options.limit) {
    annotations.warnings.emplace_back("results truncated due to limit");
  }
  if (PointsOfResult(result) < kStreamFrom) {
    WriteResult(result, options, json);
    return annotations;
  }
  // It stays in the list of running queries until the client has it.
  ran->running->BeginSending();
  annotations.stop = ran->running->stop();
  options.helpers = &helpers_;
  options.helper_cpu_ns = &ran->running->progress().helper_cpu_ns;
  annotations.data = [options, ran = std::move(ran)](JsonWriter& to) {
    WriteResult(ran->result, options, to);
  };
  return annotations;
}

}  // namespace vigil::web
