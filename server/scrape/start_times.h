// SPDX-License-Identifier: Apache-2.0
// Zero samples where series began to count (--enable-feature=created-timestamp-zero-ingestion), so
// that rate() and increase() see what was counted before the first scrape. Protobuf says with each
// sample since when it counts, OpenMetrics in a `_created` line among the lines of its family.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/exposition/text_reader.h"
#include "client-lib/model/histogram.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

// A sample that goes into the batch of the page.
struct StartedSample {
  storage::SeriesRef ref = 0;
  TimestampMs time = 0;
  // That of the newest sample of the series, as far as the page cache knows.
  TimestampMs newest = std::numeric_limits<TimestampMs>::min();
  HistogramPtr histogram;  // null: a float
};

// Adds zeros between the newest sample and the one that comes; what is out of bounds or not in
// order the store refuses. (Of a series new to the page cache, after a restart, an out-of-order
// window may let one in that upstream would leave out.)
// Threads: owner thread only.
class StartTimes {
 public:
  // A TYPE line. Types that do not count have no start.
  void BeginFamily(const exposition::Entry& type);
  // Whether the line is a `_created` of the family, which is no series then. The zeros of the
  // samples of its metric go to *zeros.
  bool TakeCreated(const exposition::Entry& entry, storage::SampleBatch* zeros);
  // A sample of the family, of which `_created` may come behind it.
  void Remember(const exposition::Entry& entry, StartedSample sample);

  static void AddZero(const StartedSample& sample, TimestampMs start, storage::SampleBatch* zeros);

 private:
  // The text of the metric: without suffix, le and quantile. Empty when it is none of the family.
  std::string_view BaseOf(std::string_view series, std::string_view* suffix);

  std::string family_;
  std::string_view own_label_;  // le, quantile
  bool counts_ = false;
  std::string base_;
  // Of the metric that the last line is of: OpenMetrics has the lines of one together, and so the
  // work is that of the lines.
  std::vector<StartedSample> samples_;
  size_t base_hash_ = 0;
};

}  // namespace vigil::scrape
