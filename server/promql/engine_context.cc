// SPDX-License-Identifier: Apache-2.0
// Limits of a running query.
#include "server/promql/engine_context.h"

#include <algorithm>

#include "server/promql/query_progress.h"

namespace vigil::promql {
namespace {

constexpr size_t kChunkBytes = 2048;

DurationMs TimeoutOf(const EngineOptions& options, const QueryRequest& request) {
  return request.timeout_ms > 0 ? std::min(request.timeout_ms, options.timeout_ms)
                                : options.timeout_ms;
}

}  // namespace

QueryContext::QueryContext(const storage::Queryable& store_in, const EngineOptions& options_in,
                           const QueryRequest& request_in, const Plan& plan_in,
                           const PlanTimes& times_in, std::shared_ptr<MemoryPool> pool)
    : store(store_in),
      options(options_in),
      request(request_in),
      plan(plan_in),
      times(times_in),
      lookback_ms(request_in.lookback_delta_ms > 0 ? request_in.lookback_delta_ms
                                                   : options_in.lookback_delta_ms),
      profile(request_in.profile),
      deadline_ns_(options_in.clock->MonotonicNs() + TimeoutOf(options_in, request_in) * 1'000'000),
      memory_(std::move(pool), options_in.max_query_bytes) {}

Result<HeldSeries> QueryContext::Select(const std::vector<Matcher>& matchers,
                                        storage::SelectHints hints) {
  // So that the store does not read what has no room.
  hints.max_bytes = memory_.limit() - std::min(memory_.limit(), held_.bytes);
  auto series = TRY(store.Select(matchers, hints));
  const storage::SeriesSet::Chunks chunks = series->chunks();
  stats.series += static_cast<int64_t>(series->size());
  stats.chunks_in_memory += static_cast<int64_t>(chunks.in_memory);
  stats.chunks_in_database += static_cast<int64_t>(chunks.in_database);
  // About what the selection itself holds, encoded.
  SampleCharge charge = TRY(Hold(
      {0, series->size() * storage::SelectHints::kSeriesBytes + chunks.in_database * kChunkBytes}));
  if (QueryProgress* progress = request.progress) {
    progress->series.store(stats.series, std::memory_order_relaxed);
    progress->chunks_in_memory.store(stats.chunks_in_memory, std::memory_order_relaxed);
    progress->chunks_in_database.store(stats.chunks_in_database, std::memory_order_relaxed);
  }
  return HeldSeries(std::move(series), std::move(charge));
}

Result<void> QueryContext::CheckAlive() {
  if (request.progress != nullptr) {
    request.progress->samples.store(stats.samples_read, std::memory_order_relaxed);
  }
  if (request.stop.stop_requested()) {
    return Canceled("query was canceled in expression evaluation");
  }
  // Reading the clock costs more than a short series: every 16th call is often enough.
  if (over_.load(std::memory_order_relaxed) ||
      (calls_++ % 16 == 0 && options.clock->MonotonicNs() > deadline_ns_)) {
    return Timeout("query timed out in expression evaluation");
  }
  return Ok();
}

bool QueryContext::Over() const {
  if (over_.load(std::memory_order_relaxed)) return true;
  if (request.stop.stop_requested()) return true;
  if (options.clock->MonotonicNs() <= deadline_ns_) return false;
  over_.store(true, std::memory_order_relaxed);
  return true;
}

Result<void> QueryContext::CheckRoom(Room room) {
  const size_t total = held_.samples + room.samples;
  stats.peak_samples = std::max(stats.peak_samples, static_cast<int64_t>(total));
  if (total > options.max_samples) {
    return ExecutionError(
        "query processing would load too many samples into memory in query execution");
  }
  return memory_.Reach(held_.bytes + room.bytes);
}

Result<SampleCharge> QueryContext::Hold(Room room) {
  TRY(CheckRoom(room));
  return SampleCharge(&held_, room);
}

}  // namespace vigil::promql
