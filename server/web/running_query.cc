// SPDX-License-Identifier: Apache-2.0
#include "server/web/running_query.h"

#include <atomic>
#include <utility>

namespace vigil::web {
namespace {

promql::QueryOrigin WithClient(promql::QueryOrigin origin, const http::Request& request) {
  origin.client = request.remote_address;
  if (request.remote_port != 0) origin.client += ":" + std::to_string(request.remote_port);
  return origin;
}

void AddTo(std::atomic<int64_t>* total, size_t more) {
  total->fetch_add(static_cast<int64_t>(more), std::memory_order_relaxed);
}

}  // namespace

RunningQuery::RunningQuery(const World& world, const http::Request& request,
                           promql::QueryOrigin origin, promql::QueryMemory memory,
                           int64_t timeout_ms)
    : clock_(world.clock),
      entry_(world.active.Enter(WithClient(std::move(origin), request))),
      watch_(world.clients.Begin(request, entry_.stop_source())),
      memory_(std::move(memory)),
      deadline_ns_(clock_.MonotonicNs() + timeout_ms * 1'000'000),
      timeout_ms_(timeout_ms) {}

void RunningQuery::BeginSending() {
  entry_.BeginSending();
  deadline_ns_ = INT64_MAX;
}

Result<void> RunningQuery::CheckAlive() {
  if (entry_.stop().stop_requested()) return Canceled("the request was canceled");
  // Reading the clock costs more than a short series: every 16th call is often enough.
  if (calls_++ % 16 != 0 || clock_.MonotonicNs() <= deadline_ns_) return Ok();
  calls_ = 0;  // whoever asks again gets the same answer
  return Timeout("the request took longer than " + std::to_string(timeout_ms_) +
                 " ms (--query.timeout): ask for fewer series or a shorter range");
}

void RunningQuery::CountSelected(const storage::SeriesSet& set) {
  const storage::SeriesSet::Chunks chunks = set.chunks();
  AddTo(&progress().series, set.size());
  AddTo(&progress().chunks_in_memory, chunks.in_memory);
  AddTo(&progress().chunks_in_database, chunks.in_database);
}

void RunningQuery::CountSamples(size_t samples) { AddTo(&progress().samples, samples); }

}  // namespace vigil::web
