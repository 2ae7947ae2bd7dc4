// SPDX-License-Identifier: Apache-2.0
// A store for tests: series in a map, no index, no limits.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/labels.h"
#include "client-lib/model/sample.h"
#include "server/storage/storage.h"

namespace vigil::tests {

// Threads: any to read, owner thread only to change.
class MemoryStorage : public storage::Queryable {
 public:
  // In any order; a second sample at the same time replaces the first.
  void Add(const Labels& labels, TimestampMs timestamp, double value,
           TimestampMs start_timestamp = 0);
  // A series' histograms come with the counter reset hints that a store gives them: gauge as
  // written, unknown for the first and wherever something was reset or changed its layout, not
  // reset otherwise.
  void AddHistogram(const Labels& labels, TimestampMs timestamp, Histogram histogram,
                    TimestampMs start_timestamp = 0);
  void Clear() { series_.clear(); }

  Result<std::unique_ptr<storage::SeriesSet>> Select(
      const std::vector<Matcher>& matchers, const storage::SelectHints& hints) const override;
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                              TimestampMs start, TimestampMs end) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const override;

 private:
  std::map<Labels, SampleColumns> series_;
};

}  // namespace vigil::tests
