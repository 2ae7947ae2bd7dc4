// SPDX-License-Identifier: Apache-2.0
// Journal pages back into the head, in the order in which they were encoded. Pages of batches that
// were appended at the same time may have been queued in another order than they were taken, so a
// series may come out of order; what comes late is kept aside and put in its place at the end.
//
// A page has one sample of each of many series, and each series' stream lies somewhere else in
// memory. So the samples of many pages are gathered and appended series by series, on a thread of
// their own, while the next pages are decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client-lib/base/result.h"
#include "client-lib/model/sample.h"
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

  // What it returns, and readers see, lags behind the pages until Finish().
  Result<ReplayGrowth> Add(std::string_view page, uint64_t generation);
  // Appends what is still gathered and puts the late samples in their places. No Add() after it.
  ReplayGrowth Finish(uint64_t generation);

 private:
  // Samples in the order in which they came.
  struct Gathered {
    std::vector<uint32_t> refs;
    std::vector<TimestampMs> timestamps;
    std::vector<double> values;
    uint32_t lowest = UINT32_MAX;  // of refs
    uint32_t highest = 0;

    void Add(SeriesRef ref, TimestampMs timestamp, double value);
    void Clear();
  };
  struct Late {
    SeriesRef ref;
    TimestampMs timestamp;
    double value;
  };

  SeriesRef RefOf(SeriesId id);
  void LearnIds();
  // Appends what is gathered on the worker, once that has done what it was given before.
  void Hand(uint64_t generation, ReplayGrowth* growth);
  void Join(ReplayGrowth* growth);
  void AppendGathered(uint64_t generation);
  void SortBySeries();
  void AppendTo(SampleStream* open, SeriesRef ref, std::span<const Sample> samples);
  void AddHistograms(RunWalker* walker, uint64_t generation, ReplayGrowth* growth);
  static void Merge(Series* series, const Late* from, const Late* to, ReplayGrowth* growth);

  const SeriesSlots& slots_;
  // Refs by id: a list from lowest_ on, which stays in the cache, or a map when ids are far apart.
  std::vector<uint32_t> listed_;
  SeriesId lowest_ = 0;
  std::unordered_map<SeriesId, uint32_t> mapped_;
  size_t known_ = 0;  // how many slots are in there
  chunks::JournalSamples samples_;
  Gathered gathered_;

  // Belong to the worker while it runs.
  Gathered taken_;
  std::vector<uint32_t> ends_;  // per series, where its samples end in sorted_
  std::vector<Sample> sorted_;  // by series
  ReplayGrowth appended_;
  std::vector<Late> late_;
  std::jthread worker_;  // last: ends before what it uses
};

}  // namespace vigil::head
