// SPDX-License-Identifier: Apache-2.0
// The metadata of all metrics in memory, and what of it is on its way to the database.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/metadata.h"

namespace vigil::storage {

// Threads: any.
class MetadataStore {
 public:
  // Whoever tells it last is right. Beyond kMaxMetrics only known metrics are taken, so that a
  // sender that makes up names does not fill memory and table.
  void Put(std::span<const MetricMetadata> rows);
  // Start-up: what the database has. Metrics that were told of meanwhile stay as they are.
  void Restore(std::vector<MetricMetadata> rows);

  // What changed since the last call. Give it back when it could not be written.
  [[nodiscard]] std::vector<MetricMetadata> TakeChanged();
  void GiveBack(std::span<const MetricMetadata> rows);

  // All, or the one named; by metric.
  [[nodiscard]] std::vector<MetricMetadata> Get(const std::string& metric) const;

  static constexpr size_t kMaxMetrics = 100'000;

 private:
  mutable Mutex mutex_;
  std::map<std::string, MetricMetadata> rows_ GUARDED_BY(mutex_);
  std::set<std::string> changed_ GUARDED_BY(mutex_);
};

}  // namespace vigil::storage
