// SPDX-License-Identifier: Apache-2.0
// What the parts of the head share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "server/head/head.h"
#include "server/head/label_order.h"
#include "server/head/label_table.h"
#include "server/head/postings.h"
#include "server/head/replay.h"
#include "server/head/series_slots.h"
#include "server/head/sizes.h"

namespace vigil::head {

// The times in memory.
struct TimeSpan {
  std::atomic<TimestampMs> min{INT64_MAX};
  std::atomic<TimestampMs> max{INT64_MIN};

  void Include(TimestampMs low, TimestampMs high) {
    TimestampMs seen = min.load(std::memory_order_relaxed);
    while (low < seen && !min.compare_exchange_weak(seen, low)) {
    }
    seen = max.load(std::memory_order_relaxed);
    while (high > seen && !max.compare_exchange_weak(seen, high)) {
    }
  }
};

struct Head::State {
  State(const Clock& c, HeadOptions o)
      : clock(c), options(o), out_of_order_window_ms(o.out_of_order_window_ms) {}

  // All REQUIRE: the series is locked.
  // Moves the open samples of an older generation out of the way.
  void SealIfOlder(Series* series, uint64_t current) {
    if (series->generation == current) return;
    if (!series->open.empty()) SealOpen(series);
    if (series->side != nullptr) SealSide(series);
    series->generation = current;
  }
  void SealOpen(Series* series);
  void SealSide(Series* series);
  // Puts a chunk in front of the others of the series.
  void AddSealed(SealedRef chunk, Series* series);

  const Clock& clock;
  const HeadOptions options;
  std::atomic<int64_t> out_of_order_window_ms;
  // Null: all series are of the default class.
  Guarded<std::shared_ptr<const Head::Classifier>> classifier;

  SeriesSlots slots;
  LabelTable table{slots};
  Postings postings{slots};
  mutable LabelOrder order{slots, postings};
  Mutex insert_mutex;  // one insertion at a time: refs rise in the postings

  std::atomic<uint64_t> generation{1};
  Sizes sizes;
  TimeSpan times;

  // Used by the flush only, of which there is one at a time.
  uint64_t sealed_generation = 0;   // what the last Seal() took
  uint64_t flushed_generation = 0;  // what the last MarkFlushed() said is in the database
  int64_t sealed_samples = 0;

  // Used at start-up only.
  std::unique_ptr<Replayer> replayer;
};

}  // namespace vigil::head
