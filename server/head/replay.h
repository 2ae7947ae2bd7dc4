// SPDX-License-Identifier: Apache-2.0
// Journal pages back into the head, in the order in which they were encoded. Pages of batches that
// were appended at the same time may have been queued in another order than they were taken, so a
// series may come out of order; what comes late is kept aside and put in its place at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client-lib/base/result.h"
#include "server/chunks/journal_page.h"
#include "server/head/series_slots.h"

namespace vigil::head {

// What a replay did to the sizes of the head.
struct ReplayGrowth {
  size_t samples = 0;  // new ones
  size_t bytes = 0;
  size_t unknown_series = 0;  // samples without a series
  TimestampMs min_time = INT64_MAX;
  TimestampMs max_time = INT64_MIN;
};

// Threads: one at a time.
class Replayer {
 public:
  explicit Replayer(const SeriesSlots& slots) : slots_(slots) {}

  Result<ReplayGrowth> Add(std::string_view page, uint64_t generation);
  // Puts the late samples in their places. No Add() after it.
  ReplayGrowth Finish(uint64_t generation);

 private:
  struct Late {
    SeriesRef ref;
    TimestampMs timestamp;
    double value;
  };

  SeriesRef RefOf(SeriesId id);
  void AddHistograms(RunWalker* walker, uint64_t generation, ReplayGrowth* growth);
  static void Merge(Series* series, const Late* from, const Late* to, ReplayGrowth* growth);

  const SeriesSlots& slots_;
  std::unordered_map<SeriesId, uint32_t> refs_;
  size_t known_ = 0;  // how many slots are in refs_
  SeriesRef last_ = 0;
  chunks::JournalSamples samples_;
  std::vector<Late> late_;
};

}  // namespace vigil::head
