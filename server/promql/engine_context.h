// SPDX-License-Identifier: Apache-2.0
// What all parts of one running query share: the store, the plan, limits, annotations, statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>

#include "client-lib/base/result.h"
#include "server/promql/annotations.h"
#include "server/promql/engine.h"
#include "server/promql/engine_plan.h"
#include "server/promql/value.h"
#include "server/storage/storage.h"

namespace vigil::promql {

class Workers;  // server/promql/workers.h

// Threads: owner thread only.
class QueryContext {
 public:
  QueryContext(const storage::Queryable& store_in, const EngineOptions& options_in,
               const QueryRequest& request_in, const Plan& plan_in, const PlanTimes& times_in);

  const storage::Queryable& store;
  const EngineOptions& options;
  const QueryRequest& request;
  const Plan& plan;
  const PlanTimes& times;
  DurationMs lookback_ms;
  Workers* workers = nullptr;  // null: this thread alone
  Annotations notes;
  QueryStats stats;

  // timeout or canceled once that is so. Cheap: call it per series.
  Result<void> CheckAlive();
  // Execution error when the values held and these samples together exceed the limit.
  Result<void> CheckRoom(size_t samples);
  // Takes room that the charge gives back.
  Result<SampleCharge> Hold(size_t samples);

 private:
  int64_t deadline_ns_;
  size_t held_ = 0;
  uint32_t calls_ = 0;
};

}  // namespace vigil::promql
