// SPDX-License-Identifier: Apache-2.0
// See flush_scheduler.h.
#include "server/flush_scheduler.h"

#include <chrono>

#include "client-lib/base/log.h"

namespace vigil::server {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
// After a failed flush (the database is away) the next try is no sooner than this.
constexpr int64_t kRetryMs = 10'000;
constexpr int64_t kSideTablesEveryMs = 5'000;

}  // namespace

FlushScheduler::FlushScheduler(storage::Store& store, storage::ExemplarTable& exemplars,
                               storage::MetadataTable& metadata, const Clock& clock,
                               int64_t interval_ms, uint64_t bytes_limit)
    : store_(store),
      exemplars_(exemplars),
      metadata_(metadata),
      clock_(clock),
      interval_ms_(interval_ms),
      bytes_limit_(bytes_limit),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void FlushScheduler::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

bool FlushScheduler::Due(int64_t last_flush_ns) const {
  if (clock_.MonotonicNs() - last_flush_ns >= interval_ms_ * 1'000'000) return true;
  // What the last flush wrote stays in memory for readers until the next one: it does not count.
  return store_.Stats().recent.sample_bytes > bytes_after_flush_ + bytes_limit_;
}

void FlushScheduler::WriteSideTables() {
  auto written = store_.WriteExemplars(exemplars_);
  if (!written) {
    log::Warn("flush", "exemplars could not be written; trying again", {{"err", written.error()}});
  }
  written = store_.WriteMetadata(metadata_);
  if (!written) {
    log::Warn("flush", "metadata could not be written; trying again", {{"err", written.error()}});
  }
}

void FlushScheduler::Loop(const std::stop_token& stop) {
  int64_t last_flush_ns = clock_.MonotonicNs();
  int64_t side_tables_due_ns = 0;
  int64_t not_before_ns = 0;
  while (!stop.stop_requested()) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait_for(lock, stop, kLookEvery, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (clock_.MonotonicNs() >= side_tables_due_ns) {
      side_tables_due_ns = clock_.MonotonicNs() + kSideTablesEveryMs * 1'000'000;
      WriteSideTables();
    }
    if (clock_.MonotonicNs() < not_before_ns || !Due(last_flush_ns)) continue;
    Result<storage::FlushReport> report = store_.Flush();
    if (!report) {
      log::Error("flush", "flush failed, everything stays in memory and journal; trying again",
                 {{"err", report.error()}});
      not_before_ns = clock_.MonotonicNs() + kRetryMs * 1'000'000;
      continue;
    }
    last_flush_ns = clock_.MonotonicNs();
    bytes_after_flush_ = store_.Stats().recent.sample_bytes;
    log::Debug(
        "flush", "flushed to chunks",
        {{"chunks", report->chunks}, {"samples", report->samples}, {"bytes", report->bytes}});
  }
}

}  // namespace vigil::server
