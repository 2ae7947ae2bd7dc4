// SPDX-License-Identifier: Apache-2.0
// A small store in memory alone: series by metric name, no further index, no limits. For unit tests
// of rules and for our own tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/storage/storage.h"

namespace vigil::storage {

// Threads: any to read, owner thread only to change.
class MemoryStore : public Queryable, public Appender {
 public:
  // In any order; a second sample at the same time replaces the first.
  void Add(const Labels& labels, TimestampMs timestamp, double value,
           TimestampMs start_timestamp = 0);
  // A series' histograms come with the counter reset hints that a store gives them: gauge as
  // written, unknown for the first and wherever something was reset or changed its layout, not
  // reset otherwise.
  void AddHistogram(const Labels& labels, TimestampMs timestamp, Histogram histogram,
                    TimestampMs start_timestamp = 0);
  // Refs are of no series any more.
  void Clear();

  Result<std::unique_ptr<SeriesSet>> Select(const std::vector<Matcher>& matchers,
                                            const SelectHints& hints) const override;
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                              TimestampMs start, TimestampMs end) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const override;

  Result<SeriesRef> Resolve(const Labels& labels) override;
  // What is not newer than the series' last sample is judged as the server's head would without an
  // out-of-order window. REQUIRES: mode is not kAllOrNothing.
  Result<AppendOutcome> Append(const SampleBatch& batch, AppendMode mode) override;
  Result<void> WaitDurable(JournalPosition /*position*/, int64_t /*timeout_ms*/) override {
    return Ok();
  }

 private:
  struct Entry {
    SampleColumns samples;
    SeriesRef ref = 0;  // 0: not resolved yet
  };
  // value: null for a histogram.
  [[nodiscard]] SampleVerdict Judge(SeriesRef ref, TimestampMs timestamp,
                                    const double* value) const;

  using SeriesOfName = std::map<Labels, Entry>;
  Entry& EntryOf(const Labels& labels);
  // Where series that match may be.
  [[nodiscard]] std::vector<const SeriesOfName*> Candidates(
      const std::vector<Matcher>& matchers) const;

  std::map<std::string, SeriesOfName, std::less<>> series_;  // by metric name
  std::vector<SampleColumns*> by_ref_;  // of ref - 1; nodes of series_ stay where they are
};

}  // namespace vigil::storage
