// SPDX-License-Identifier: Apache-2.0
// The exemplars of the store: the newest in memory, for queries, and all on their way to the
// database, in batches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/backend.h"
#include "server/storage/exemplar_ring.h"
#include "server/storage/exemplars.h"
#include "server/storage/recent.h"

namespace vigil::storage {

struct ExemplarStats {
  uint64_t appended = 0;        // prometheus_tsdb_exemplar_exemplars_appended_total
  uint64_t out_of_order = 0;    // prometheus_tsdb_exemplar_out_of_order_exemplars_total
  uint64_t too_long = 0;        // vigil_exemplars_rejected_total{reason="too_long"}
  uint64_t not_written = 0;     // vigil_exemplars_not_written_total: the database was away for long
  uint64_t in_memory = 0;       // prometheus_tsdb_exemplar_exemplars_in_storage
  uint64_t series = 0;          // prometheus_tsdb_exemplar_series_with_exemplars_in_storage
  uint64_t capacity = 0;        // prometheus_tsdb_exemplar_max_exemplars
  TimestampMs oldest_time = 0;  // prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds
};

// Threads: any.
class ExemplarStore {
 public:
  static constexpr size_t kDefaultCapacity = 100'000;
  // Of those that wait for the database; beyond it the oldest are not written.
  static constexpr size_t kMaxWaiting = 50'000;

  explicit ExemplarStore(const Recent& recent) : recent_(recent) {}

  void Append(const ExemplarBatch& batch);
  void Resize(size_t capacity);
  // What memory does not hold any more is read from the table, when there is one: at most
  // kMaxRead, the newest.
  [[nodiscard]] Result<std::vector<SeriesExemplars>> Select(
      const std::vector<std::vector<Matcher>>& selectors, TimestampMs start, TimestampMs end,
      ExemplarTable* table = nullptr) const;

  // Start-up: puts exemplars from the database into memory, oldest first.
  void Restore(const std::vector<ExemplarRow>& rows);
  // Those that came since the last call. Give them back when they could not be written.
  [[nodiscard]] std::vector<ExemplarRow> TakeNew();
  void GiveBack(std::vector<ExemplarRow> rows);

  [[nodiscard]] ExemplarStats Stats() const;

 private:
  static constexpr size_t kMaxRead = 100'000;

  void DropOldestWaiting() REQUIRES_LOCK(mutex_);
  // Until when memory may lack exemplars of the span; INT64_MIN when it has all there are.
  [[nodiscard]] TimestampMs MissingUntil(TimestampMs start, TimestampMs end) const;
  // Puts what the table has of the series into *found, one list per ref.
  Result<void> AddOlder(const std::vector<SeriesRef>& refs, TimestampMs start, TimestampMs end,
                        ExemplarTable* table, std::vector<std::vector<Exemplar>>* found) const;

  const Recent& recent_;
  mutable Mutex mutex_;
  ExemplarRing ring_ GUARDED_BY(mutex_){kDefaultCapacity};
  std::deque<ExemplarRow> waiting_ GUARDED_BY(mutex_);  // oldest first
  ExemplarStats counts_ GUARDED_BY(mutex_);
};

}  // namespace vigil::storage
