// SPDX-License-Identifier: Apache-2.0
// All series of the process in a chunked array that never moves: a ref is a slot, found with two
// loads. Neighbouring slots share a lock, so that a batch in the order of a scrape takes one lock
// per run and not per sample.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "client-lib/base/mutex.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/head/sample_stream.h"
#include "server/head/sealed_chunk.h"
#include "server/head/side_samples.h"
#include "server/storage/backend.h"

namespace vigil::head {

using storage::SeriesId;
using storage::SeriesRef;

// In the place of a generation: the series had no samples in memory when the last flush ended, or
// when the server started, and got none since.
inline constexpr uint64_t kIdleGeneration = UINT64_MAX;

struct Series {
  // Constant after construction.
  Labels labels;
  SeriesId id = 0;

  // Guarded by the mutex of the run.
  [[no_unique_address]] SampleStream open;  // what is left of its last word, the next member takes
  // Of chunks that are flushed from now on.
  uint16_t retention_class = storage::kDefaultRetentionClass;
  // Null for most series: they have floats in order only.
  std::unique_ptr<SideSamples> side;
  uint64_t generation = 0;  // of the samples in `open` and `side`, or kIdleGeneration
  SealedRef sealed;         // the newest generation; older ones are linked
  // The database may hold samples that memory has not up to this time; INT64_MIN: none.
  TimestampMs stored_until = INT64_MIN;

  // The oldest time in memory, INT64_MAX when there is nothing.
  [[nodiscard]] TimestampMs FirstTime() const;
  // The newest time ever, INT64_MIN when there was nothing. Late samples are never the newest.
  [[nodiscard]] TimestampMs LastTime() const {
    return std::max(open.last_time(), last_histogram_time());
  }
  [[nodiscard]] TimestampMs last_histogram_time() const {
    return side == nullptr ? INT64_MIN : side->histograms().last_time();
  }
  SideSamples& Side() {
    if (side == nullptr) side = std::make_unique<SideSamples>();
    return *side;
  }
};

static_assert(sizeof(Series) <= 120);

inline constexpr size_t kRunLength = 128;

struct SeriesRun {
  // Bare, because holders move from run to run with std::unique_lock.
  std::mutex mutex;
  Series series[kRunLength];
};

// Threads: any; Add() one at a time.
class SeriesSlots {
 public:
  SeriesSlots() = default;
  ~SeriesSlots();
  SeriesSlots(const SeriesSlots&) = delete;
  SeriesSlots& operator=(const SeriesSlots&) = delete;

  // 0 when all slots are used.
  SeriesRef Add(SeriesId id, const Labels& labels, TimestampMs stored_until);
  // Refs are 1..size().
  [[nodiscard]] size_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] bool Has(SeriesRef ref) const { return ref - 1 < size(); }

  // REQUIRES: Has(ref).
  [[nodiscard]] SeriesRun& run(SeriesRef ref) const { return *RunAt((ref - 1) / kRunLength); }
  [[nodiscard]] Series& series(SeriesRef ref) const {
    return run(ref).series[(ref - 1) % kRunLength];
  }
  [[nodiscard]] const Labels& labels(SeriesRef ref) const { return series(ref).labels; }
  [[nodiscard]] SeriesId id(SeriesRef ref) const { return series(ref).id; }

 private:
  static constexpr size_t kRunsPerPage = 256;
  static constexpr size_t kPages = 2048;  // 67 million series

  struct Page {
    std::atomic<SeriesRun*> runs[kRunsPerPage] = {};
  };

  [[nodiscard]] SeriesRun* RunAt(size_t run) const {
    const Page* page = pages_[run / kRunsPerPage].load(std::memory_order_acquire);
    return page->runs[run % kRunsPerPage].load(std::memory_order_acquire);
  }

  std::atomic<Page*> pages_[kPages] = {};
  std::atomic<size_t> size_{0};
};

// Holds the lock of one run at a time and hands out series under it.
// Threads: owner thread only.
class RunWalker {
 public:
  explicit RunWalker(const SeriesSlots& slots) : slots_(slots) {}

  // REQUIRES: slots.Has(ref). Valid until the next call.
  Series& At(SeriesRef ref) {
    const size_t run = (ref - 1) / kRunLength;
    if (run != run_) {
      run_ = run;
      if (lock_.owns_lock()) lock_.unlock();
      held_ = &slots_.run(ref);
      lock_ = std::unique_lock<std::mutex>(held_->mutex);
    }
    return held_->series[(ref - 1) % kRunLength];
  }

 private:
  const SeriesSlots& slots_;
  size_t run_ = SIZE_MAX;
  SeriesRun* held_ = nullptr;
  std::unique_lock<std::mutex> lock_;
};

}  // namespace vigil::head
