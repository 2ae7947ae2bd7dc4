// SPDX-License-Identifier: Apache-2.0
// The series that every scrape writes about itself: up, scrape_duration_seconds...
#pragma once

#include <array>
#include <cstddef>

#include "client-lib/base/result.h"
#include "server/scrape/page_ingest.h"
#include "server/scrape/target.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

struct ReportValues {
  bool up = false;
  double duration_seconds = 0;
  PageOutcome page;
  double body_bytes = 0;  // -1: over the limit, 0: no answer
};

// The references of one target's report series.
// Threads: owner thread only.
class ReportSeries {
 public:
  static constexpr size_t kCount = 8;

  // Adds one sample per series. unavailable: a series could not be created.
  Result<void> Add(const TargetSpec& target, const ReportValues& values, TimestampMs time,
                   storage::Appender& appender, storage::SampleBatch* batch);
  // Adds a staleness marker to each that was ever written.
  void AddStale(TimestampMs time, storage::SampleBatch* batch) const;
  // The store does not know the references any more, or the target's labels changed.
  void Forget() { refs_.fill(0); }

 private:
  std::array<storage::SeriesRef, kCount> refs_{};
};

}  // namespace vigil::scrape
