// SPDX-License-Identifier: Apache-2.0
// /api/v1/query and /api/v1/query_range.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/promql/workers.h"
#include "server/web/envelope.h"
#include "server/web/query_runner.h"

namespace vigil::web {

// Threads: any.
class QueryApi {
 public:
  // So many helpers write the text of large results, all requests together.
  QueryApi(QueryRunner& runner, size_t helpers) : runner_(runner), helpers_(helpers) {}

  Result<Annotations> Instant(const ApiRequest& request, JsonWriter& json);
  Result<Annotations> Range(const ApiRequest& request, JsonWriter& json);

 private:
  Result<Annotations> Run(const ApiRequest& request, promql::QueryRequest query, JsonWriter& json);

  QueryRunner& runner_;
  promql::Workers helpers_;
};

// How a result is written.
struct ResultOptions {
  size_t limit = 0;  // at most so many series; 0: all
  bool with_stats = false;
  bool stats_per_step = false;
  // Write a matrix that is given away while it is written, in parts beside one another; null: one
  // after the other.
  promql::Workers* helpers = nullptr;
  std::atomic<int64_t>* helper_cpu_ns = nullptr;  // gets their CPU time; null: nobody asks
};

// {"resultType":...,"result":...}
void WriteResult(const promql::QueryResult& result, const ResultOptions& options, JsonWriter& json);

// "stats":{"timings":...,"samples":...}, as a member of an object.
void WriteStats(const promql::QueryStats& stats, bool per_step, JsonWriter& json);

}  // namespace vigil::web
