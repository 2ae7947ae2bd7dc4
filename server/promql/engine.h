// SPDX-License-Identifier: Apache-2.0
// Evaluates PromQL over a store: one pass per query over columns, all steps of a series at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/promql/ast.h"
#include "server/promql/parser.h"
#include "server/promql/query_memory.h"
#include "server/storage/storage.h"

namespace vigil::promql {

class QueryProfile;    // server/promql/query_profile.h
struct QueryProgress;  // server/promql/query_progress.h
class Workers;         // server/promql/workers.h

struct EngineOptions {
  DurationMs lookback_delta_ms = 5 * 60 * 1000;
  // Samples a query may hold in memory at once.
  size_t max_samples = 50'000'000;
  // Bytes that one query, and all of them together with results that are not written yet, may hold;
  // 0: no limit.
  size_t max_query_bytes = 0;
  size_t max_memory_bytes = 0;
  DurationMs timeout_ms = 2 * 60 * 1000;
  // Step of subqueries that name none: the global evaluation_interval. Empty: one minute.
  std::function<DurationMs()> default_subquery_step_ms;
  // --enable-feature=promql-delayed-name-removal
  bool delayed_name_removal = false;
  // --enable-feature=type-and-unit-labels: __type__ and __unit__ go where __name__ goes.
  bool type_and_unit_labels = false;
  // --enable-feature=use-start-timestamps: counters of samples that say since when they count.
  bool use_start_timestamps = false;
  ParserOptions parser;
  // Threads that help queries which read many series; all queries together have no more.
  size_t helper_threads = 0;
  // Measures timeouts and timings.
  const Clock* clock = &Clock::System();
};

struct QueryRequest {
  std::string text;
  TimestampMs start = 0;
  TimestampMs end = 0;               // instant queries: the same as start
  DurationMs step_ms = 0;            // 0: an instant query at start
  DurationMs lookback_delta_ms = 0;  // 0: the engine's
  DurationMs timeout_ms = 0;         // 0: the engine's; the smaller of both is in force
  // The coarsest roll-ups that may stand in for samples, 0: none; -1: as server/promql/stand_ins.h
  // has it.
  DurationMs max_source_resolution_ms = -1;
  std::stop_token stop;               // the client went away or the server ends
  QueryProgress* progress = nullptr;  // null: nobody watches
  QueryProfile* profile = nullptr;    // null: nobody asks what each node costs

  [[nodiscard]] bool instant() const { return step_ms == 0; }
};

// One series of a result. A value with the bits of the staleness marker is "no sample at this
// timestamp" and must be skipped; it never is a value. The views belong to the QueryResult.
struct ResultSeries {
  Labels labels;
  std::span<const TimestampMs> timestamps;
  std::span<const double> values;
  // Native histograms, sorted by time; none at the time of a value.
  std::vector<HistogramSample> histograms;
};

struct QueryStats {
  int64_t total_queryable_samples = 0;
  int64_t peak_samples = 0;
  int64_t samples_read = 0;
  int64_t series = 0;  // selected, by all selectors together
  int64_t chunks_in_memory = 0;
  int64_t chunks_in_database = 0;
  // One entry per step.
  std::vector<int64_t> total_queryable_samples_per_step;
  double eval_total_s = 0;
  double result_sort_s = 0;
  double query_preparation_s = 0;
  double inner_eval_s = 0;
  double exec_queue_s = 0;
  double exec_total_s = 0;
};

// Threads: any to read (immutable after Execute). Move only: series hold views into the columns.
struct QueryResult {
  QueryResult() = default;
  QueryResult(QueryResult&&) = default;
  QueryResult& operator=(QueryResult&&) = default;

  ValueType type = ValueType::kNone;
  TimestampMs timestamp = 0;  // of scalar, string and vector results
  double scalar = 0;          // kScalar
  std::string text;           // kString
  // kVector: one value or histogram each, in the order of evaluation (sorted when the query sorts).
  // kMatrix: sorted by labels; never without a sample.
  std::vector<ResultSeries> series;

  // With position, `PromQL warning: ... (1:7)`, without duplicates, sorted.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStats stats;

  // What the views of `series` point into.
  std::vector<TimestampMs> timestamp_column;
  std::vector<double> value_column;
  std::vector<SampleColumns> sample_columns;
  QueryMemory memory;
};

// Threads: any; queries share nothing but the helper threads.
class Engine {
 public:
  explicit Engine(EngineOptions options);

  // Parses and evaluates. bad_data with a parse error's text (`1:7: parse error: ...`) or a wrong
  // range; execution, timeout (`query timed out in expression evaluation`) or canceled
  // (`query was canceled in expression evaluation`) otherwise.
  [[nodiscard]] Result<QueryResult> Execute(const storage::Queryable& store,
                                            const QueryRequest& request) const;
  // The same with an expression parsed before (rules); `request.text` is only quoted.
  [[nodiscard]] Result<QueryResult> Execute(const storage::Queryable& store, const Expr& expr,
                                            const QueryRequest& request) const;

  [[nodiscard]] const EngineOptions& options() const { return options_; }
  // An account for what is no query of the engine but takes memory as one does.
  [[nodiscard]] QueryMemory MakeMemory() const { return {memory_, options_.max_query_bytes}; }

 private:
  EngineOptions options_;
  std::shared_ptr<Workers> workers_;  // null without helpers
  std::shared_ptr<MemoryPool> memory_;
};

}  // namespace vigil::promql
