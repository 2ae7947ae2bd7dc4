// SPDX-License-Identifier: Apache-2.0
// /api/v1/query and /api/v1/query_range.
#pragma once

#include <cstddef>

#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/web/envelope.h"
#include "server/web/query_runner.h"

namespace vigil::web {

// Threads: any.
class QueryApi {
 public:
  explicit QueryApi(QueryRunner& runner) : runner_(runner) {}

  Result<Annotations> Instant(const ApiRequest& request, JsonWriter& json);
  Result<Annotations> Range(const ApiRequest& request, JsonWriter& json);

 private:
  Result<Annotations> Run(const ApiRequest& request, promql::QueryRequest query, JsonWriter& json);

  QueryRunner& runner_;
};

// {"resultType":...,"result":...}; at most `limit` series (0: all).
void WriteResult(const promql::QueryResult& result, size_t limit, bool with_stats,
                 bool stats_per_step, JsonWriter& json);

// "stats":{"timings":...,"samples":...}, as a member of an object.
void WriteStats(const promql::QueryStats& stats, bool per_step, JsonWriter& json);

}  // namespace vigil::web
