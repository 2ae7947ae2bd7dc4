// SPDX-License-Identifier: Apache-2.0
// From a request to a result: checks, plan, evaluation, names dropped late, order.
#include "server/promql/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "server/promql/engine_evaluator.h"
#include "server/promql/query_profile.h"
#include "server/promql/workers.h"

namespace vigil::promql {
namespace {

constexpr DurationMs kDefaultSubqueryStep = 60 * 1000;
double Seconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// A range query has one value per step, so a range vector or a string cannot be its result.
Result<void> CheckRequest(const Expr& expr, const QueryRequest& request) {
  if (request.instant()) return Ok();
  if (request.step_ms < 0) return BadData("the step of a range query must be positive");
  if (request.end < request.start) return BadData("end timestamp must not be before start time");
  if (expr.type != ValueType::kVector && expr.type != ValueType::kScalar) {
    return BadData(
        fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                    "Vector",
                    ValueTypeErrorName(expr.type)));
  }
  return Ok();
}

Grid GridOf(const QueryRequest& request) {
  const TimestampMs start = std::clamp(request.start, -kFarthestTime, kFarthestTime);
  if (request.instant()) return {start, 1, 1};
  const TimestampMs end = std::clamp(request.end, start, kFarthestTime);
  return {start, request.step_ms, static_cast<size_t>((end - start) / request.step_ms) + 1};
}

// The names that delayed removal has left until now.
Result<void> DropNames(Value* value) {
  bool any = false;
  for (size_t i = 0; i < value->vector.size(); ++i) {
    if (value->vector.drop_name[i] == 0) continue;
    value->vector.labels[i] = WithoutMetadata(value->vector.labels[i]);
    any = true;
  }
  for (RangeSeries& series : value->matrix) {
    if (series.drop_name) series.labels = WithoutMetadata(series.labels);
  }
  return any ? MergeSameLabels(&value->vector) : Ok();
}

// A range vector has no steps to merge by: twins are an error.
Result<void> CheckTwins(const std::vector<ResultSeries>& matrix) {
  for (size_t i = 1; i < matrix.size(); ++i) {
    if (matrix[i].labels == matrix[i - 1].labels) {
      return ExecutionError(std::string(kSameLabelset));
    }
  }
  return Ok();
}

void FillMatrix(Value* value, QueryResult* result) {
  std::ranges::sort(value->matrix, {}, &RangeSeries::labels);
  result->sample_columns.reserve(value->matrix.size());
  result->series.reserve(value->matrix.size());
  for (RangeSeries& series : value->matrix) {
    const SampleColumns& kept = result->sample_columns.emplace_back(std::move(series.samples));
    result->series.push_back(
        {std::move(series.labels), kept.timestamps, kept.values, kept.histograms});
  }
}

// The samples of a row's column of histograms.
std::vector<HistogramSample> HistogramsOf(std::span<HistogramPtr> row, const Grid& grid) {
  std::vector<HistogramSample> samples;
  for (size_t step = 0; step < row.size(); ++step) {
    if (row[step] != nullptr) samples.push_back({grid.at(step), std::move(row[step])});
  }
  return samples;
}

std::vector<size_t> RowOrder(const Vector& vector, bool sorted) {
  std::vector<size_t> order(vector.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (sorted) {
    std::ranges::sort(order,
                      [&](size_t a, size_t b) { return vector.labels[a] < vector.labels[b]; });
  }
  return order;
}

void FillVector(Value* value, const Grid& grid, bool range, QueryResult* result) {
  DropEmptyRows(&value->vector);
  result->timestamp_column.resize(grid.count);
  for (size_t i = 0; i < grid.count; ++i) result->timestamp_column[i] = grid.at(i);
  const std::vector<size_t> order = RowOrder(value->vector, range);
  result->value_column = std::move(value->vector.values);
  result->series.reserve(order.size());
  for (const size_t i : order) {
    result->series.push_back(
        {std::move(value->vector.labels[i]), result->timestamp_column,
         std::span<const double>(result->value_column).subspan(i * grid.count, grid.count),
         HistogramsOf(value->vector.histogram_row(i), grid)});
  }
}

Result<void> FillResult(Value* value, const Grid& grid, const QueryRequest& request,
                        QueryResult* result) {
  result->type = value->type;
  result->timestamp = grid.start;
  switch (value->type) {
    case ValueType::kString:
      result->text = std::move(value->text);
      return Ok();
    case ValueType::kScalar:
      if (request.instant()) {
        result->scalar = value->scalar[0];
        return Ok();
      }
      value->vector.steps = grid.count;
      value->vector.Append(Labels(), false, value->scalar);
      break;
    case ValueType::kMatrix:
      FillMatrix(value, result);
      return CheckTwins(result->series);
    default:
      break;
  }
  result->type = request.instant() ? ValueType::kVector : ValueType::kMatrix;
  FillVector(value, grid, !request.instant(), result);
  return Ok();
}

// What a result holds until it is sent.
size_t BytesOf(const QueryResult& result) {
  size_t bytes = result.timestamp_column.capacity() * sizeof(TimestampMs) +
                 result.value_column.capacity() * sizeof(double) +
                 result.series.capacity() * sizeof(ResultSeries);
  for (const SampleColumns& columns : result.sample_columns) {
    bytes += sizeof(SampleColumns) + columns.timestamps.capacity() * sizeof(TimestampMs) +
             columns.values.capacity() * sizeof(double);
  }
  SampleColumns of_series;
  for (const ResultSeries& series : result.series) {
    bytes += series.labels.HeapBytes();
    if (series.histograms.empty()) continue;
    of_series.histograms = series.histograms;
    bytes += 16 * SamplesCost(of_series);
  }
  return bytes;
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      workers_(options_.helper_threads == 0 ? nullptr
                                            : std::make_shared<Workers>(options_.helper_threads)),
      memory_(std::make_shared<MemoryPool>(options_.max_memory_bytes)) {}

Result<QueryResult> Engine::Execute(const storage::Queryable& store,
                                    const QueryRequest& request) const {
  const ExprPtr expr = TRY(ParseExpr(request.text, options_.parser));
  return Execute(store, *expr, request);
}

Result<QueryResult> Engine::Execute(const storage::Queryable& store, const Expr& expr,
                                    const QueryRequest& request) const {
  const Clock& clock = *options_.clock;
  const int64_t begin = clock.MonotonicNs();
  TRY(CheckRequest(expr, request));
  const Grid grid = GridOf(request);
  const TimestampMs end =
      request.instant() ? grid.start : std::clamp(request.end, grid.start, kFarthestTime);
  const PlanTimes times{grid.start, end, request.step_ms,
                        options_.default_subquery_step_ms ? options_.default_subquery_step_ms()
                                                          : kDefaultSubqueryStep};
  const Plan plan = TRY(Plan::Make(expr, times));
  QueryContext query(store, options_, request, plan, times, memory_);
  query.workers = workers_.get();
  TRY(query.CheckRoom(grid.count));
  query.stats.total_queryable_samples_per_step.assign(grid.count, 0);
  if (request.profile != nullptr) request.profile->Begin(clock, query.stats);
  const int64_t prepared = clock.MonotonicNs();

  Evaluator evaluator(query, grid, Evaluator::Role::kMain);
  Value value = TRY(evaluator.Eval(expr));
  // What stopped in its middle is no result.
  TRY(query.CheckAlive());
  TRY(DropNames(&value));
  const int64_t evaluated = clock.MonotonicNs();

  QueryResult result;
  TRY(FillResult(&value, grid, request, &result));
  result.memory = query.TakeMemory();
  result.memory.ShrinkTo(BytesOf(result));
  result.warnings = query.notes.Warnings(request.text);
  result.infos = query.notes.Infos(request.text);
  const int64_t done = clock.MonotonicNs();
  result.stats = std::move(query.stats);
  result.stats.query_preparation_s = Seconds(prepared - begin);
  result.stats.inner_eval_s = Seconds(evaluated - prepared);
  result.stats.result_sort_s = Seconds(done - evaluated);
  result.stats.eval_total_s = Seconds(done - begin);
  result.stats.exec_total_s = Seconds(done - begin);
  return result;
}

}  // namespace vigil::promql
