// SPDX-License-Identifier: Apache-2.0
// The metadata of all metrics in memory, and what of it is on its way to the database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/model/sample.h"
#include "server/storage/metadata.h"

namespace vigil::storage {

// Threads: any.
class MetadataStore {
 public:
  // Whoever tells it last is right. Beyond kMaxMetrics or kMaxBytes only known metrics are taken,
  // so that a sender that makes up names does not fill memory and table. Texts are cut at
  // kMaxTextBytes; a metric whose name is too long to have series is left out.
  void Put(std::span<const MetricMetadata> rows, TimestampMs now);
  // Start-up: what the database has. Metrics that were told of meanwhile stay as they are.
  void Restore(std::vector<MetricMetadata> rows);

  // What changed since the last call. Give it back when it could not be written.
  [[nodiscard]] std::vector<MetricMetadata> TakeChanged();
  void GiveBack(std::span<const MetricMetadata> rows);

  // Those that were not told since, and of which no metric (sorted) is: neither under the name
  // itself nor with a suffix of its type.
  [[nodiscard]] std::vector<std::string> Unused(std::span<const std::string> metrics,
                                                TimestampMs told_before) const;
  // But not those that were told meanwhile: they are written again.
  void Forget(std::span<const std::string> names, TimestampMs told_before);

  // All, or the one named; by metric.
  [[nodiscard]] std::vector<MetricMetadata> Get(const std::string& metric) const;

  static constexpr size_t kMaxMetrics = 100'000;
  static constexpr size_t kMaxBytes = 64 << 20;
  static constexpr size_t kMaxTextBytes = 16 * 1024;

 private:
  struct Row {
    MetricMetadata metadata;
    TimestampMs told = INT64_MIN;  // in this process
  };

  void Add(MetricMetadata row, TimestampMs told) REQUIRES_LOCK(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Row, std::less<>> rows_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  std::set<std::string> changed_ GUARDED_BY(mutex_);  // all of them are in rows_
};

}  // namespace vigil::storage
