// SPDX-License-Identifier: Apache-2.0
// Limits of a running query.
#include "server/promql/engine_context.h"

#include <algorithm>

namespace vigil::promql {
namespace {

DurationMs TimeoutOf(const EngineOptions& options, const QueryRequest& request) {
  return request.timeout_ms > 0 ? std::min(request.timeout_ms, options.timeout_ms)
                                : options.timeout_ms;
}

}  // namespace

QueryContext::QueryContext(const storage::Queryable& store_in, const EngineOptions& options_in,
                           const QueryRequest& request_in, const Plan& plan_in,
                           const PlanTimes& times_in)
    : store(store_in),
      options(options_in),
      request(request_in),
      plan(plan_in),
      times(times_in),
      lookback_ms(request_in.lookback_delta_ms > 0 ? request_in.lookback_delta_ms
                                                   : options_in.lookback_delta_ms),
      deadline_ns_(options_in.clock->MonotonicNs() +
                   TimeoutOf(options_in, request_in) * 1'000'000) {}

Result<void> QueryContext::CheckAlive() {
  if (request.stop.stop_requested()) {
    return Canceled("query was canceled in expression evaluation");
  }
  // Reading the clock costs more than a short series: every 16th call is often enough.
  if (calls_++ % 16 == 0 && options.clock->MonotonicNs() > deadline_ns_) {
    return Timeout("query timed out in expression evaluation");
  }
  return Ok();
}

Result<void> QueryContext::CheckRoom(size_t samples) {
  const size_t total = held_ + samples;
  stats.peak_samples = std::max(stats.peak_samples, static_cast<int64_t>(total));
  if (total > options.max_samples) {
    return ExecutionError(
        "query processing would load too many samples into memory in query execution");
  }
  return Ok();
}

Result<SampleCharge> QueryContext::Hold(size_t samples) {
  TRY(CheckRoom(samples));
  return SampleCharge(&held_, samples);
}

}  // namespace vigil::promql
