// SPDX-License-Identifier: Apache-2.0
// The counters behind StoreStats.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "server/storage/store.h"

namespace vigil::storage {

struct Store::Counters {
  std::atomic<uint64_t> series_created{0};
  std::atomic<uint64_t> refused_max_series{0};
  std::atomic<uint64_t> refused_job_limit{0};
  std::atomic<uint64_t> refused_too_long{0};
  std::atomic<uint64_t> refused_database{0};
  std::atomic<uint64_t> samples_appended{0};
  std::atomic<uint64_t> histograms_appended{0};
  std::atomic<uint64_t> late_appended{0};
  std::atomic<uint64_t> too_old{0};
  std::atomic<uint64_t> duplicates_same{0};
  std::atomic<uint64_t> out_of_order{0};
  std::atomic<uint64_t> duplicates{0};
  std::atomic<uint64_t> out_of_bounds{0};
  std::atomic<uint64_t> unknown_series{0};
  std::atomic<uint64_t> broken_histograms{0};
  std::atomic<uint64_t> senders_refused{0};
  std::atomic<uint64_t> scrapes_refused{0};
  std::atomic<uint64_t> journal_pages{0};
  std::atomic<uint64_t> journal_bytes{0};
  std::atomic<uint64_t> replayed_pages{0};
  std::atomic<uint64_t> replayed_samples{0};
  std::atomic<uint64_t> corrupt_pages{0};
  std::atomic<uint64_t> orphan_samples{0};
  std::atomic<uint64_t> rollup_reads{0};
  std::atomic<uint64_t> flushes{0};
  std::atomic<uint64_t> flushes_failed{0};
  std::atomic<uint64_t> flushed_chunks{0};
  std::atomic<uint64_t> flushed_samples{0};
  std::atomic<uint64_t> flushed_bytes{0};
  std::atomic<int64_t> last_flush_ns{0};
  std::atomic<int64_t> flush_ns{0};
  std::atomic<TimestampMs> last_flush_time{0};
  // Shared with the series sets that readers still hold.
  std::shared_ptr<std::atomic<uint64_t>> summed_chunks = std::make_shared<std::atomic<uint64_t>>(0);
  std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks =
      std::make_shared<std::atomic<uint64_t>>(0);
};

}  // namespace vigil::storage
