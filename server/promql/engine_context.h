// SPDX-License-Identifier: Apache-2.0
// What all parts of one running query share: the store, the plan, limits, annotations, statistics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "server/promql/annotations.h"
#include "server/promql/engine.h"
#include "server/promql/engine_plan.h"
#include "server/promql/query_memory.h"
#include "server/promql/value.h"
#include "server/storage/storage.h"

namespace vigil::promql {

class Workers;  // server/promql/workers.h

// The series of a selector with the room that they take until they are read.
// Threads: as storage::SeriesSet.
class HeldSeries {
 public:
  HeldSeries(std::unique_ptr<storage::SeriesSet> series, SampleCharge charge)
      : charge_(std::move(charge)), series_(std::move(series)) {}
  const storage::SeriesSet& operator*() const { return *series_; }
  const storage::SeriesSet* operator->() const { return series_.get(); }

 private:
  SampleCharge charge_;
  std::unique_ptr<storage::SeriesSet> series_;
};

// Threads: owner thread only.
class QueryContext {
 public:
  QueryContext(const storage::Queryable& store_in, const EngineOptions& options_in,
               const QueryRequest& request_in, const Plan& plan_in, const PlanTimes& times_in,
               std::shared_ptr<MemoryPool> pool);

  const storage::Queryable& store;
  const EngineOptions& options;
  const QueryRequest& request;
  const Plan& plan;
  const PlanTimes& times;
  DurationMs lookback_ms;
  Workers* workers = nullptr;  // null: this thread alone
  QueryProfile* profile;       // null: nobody asks
  Annotations notes;
  QueryStats stats;

  // What the store has; counted, and its room held as long as it lives.
  Result<HeldSeries> Select(const std::vector<Matcher>& matchers, storage::SelectHints hints);
  // timeout or canceled once that is so. Cheap: call it per series.
  Result<void> CheckAlive();
  // Whether CheckAlive() will fail, for loops that have no way to say so: they may stop in their
  // middle, what they have done is thrown away. Reads the clock. Threads: any.
  [[nodiscard]] bool Over() const;
  // Execution error when what is held and this together exceed a limit.
  Result<void> CheckRoom(Room room);
  Result<void> CheckRoom(size_t samples) { return CheckRoom({samples, samples * kSampleBytes}); }
  // Takes room that the charge gives back.
  Result<SampleCharge> Hold(Room room);
  Result<SampleCharge> Hold(size_t samples) { return Hold({samples, samples * kSampleBytes}); }
  static constexpr size_t kSampleBytes = sizeof(TimestampMs) + sizeof(double);
  // The account of all that, for the result that outlives the query.
  QueryMemory TakeMemory() { return std::move(memory_); }

 private:
  int64_t deadline_ns_;
  mutable std::atomic<bool> over_{false};
  Room held_;
  QueryMemory memory_;
  uint32_t calls_ = 0;
};

}  // namespace vigil::promql
