// SPDX-License-Identifier: Apache-2.0
// /api/v1/query and /api/v1/query_range.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/storage/storage.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Lets so many queries run at once (--query.max-concurrency); the others wait for their turn, no
// longer than their timeout.
// Threads: any.
class QueryGate {
 public:
  explicit QueryGate(size_t slots) : free_(slots) {}
  // timeout: `query timed out in query queue`.
  Result<void> Enter(int64_t timeout_ms);
  void Leave();

 private:
  std::mutex mutex_;  // guards free_; a condition variable needs the bare mutex
  std::condition_variable changed_;
  size_t free_;
};

// Threads: any.
class QueryApi {
 public:
  QueryApi(const promql::Engine& engine, const storage::Queryable& store, const Clock& clock,
           size_t max_concurrency, std::stop_token stop)
      : engine_(engine), store_(store), clock_(clock), gate_(max_concurrency), stop_(stop) {}

  Result<Annotations> Instant(const ApiRequest& request, JsonWriter& json);
  Result<Annotations> Range(const ApiRequest& request, JsonWriter& json);

 private:
  Result<Annotations> Run(const ApiRequest& request, promql::QueryRequest query, JsonWriter& json);

  const promql::Engine& engine_;
  const storage::Queryable& store_;
  const Clock& clock_;
  QueryGate gate_;
  std::stop_token stop_;
};

// {"resultType":...,"result":...}; at most `limit` series (0: all).
void WriteResult(const promql::QueryResult& result, size_t limit, bool with_stats,
                 bool stats_per_step, JsonWriter& json);

}  // namespace vigil::web
