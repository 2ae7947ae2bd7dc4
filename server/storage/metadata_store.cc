// SPDX-License-Identifier: Apache-2.0
#include "server/storage/metadata_store.h"

#include <utility>

namespace vigil::storage {

void MetadataStore::Put(std::span<const MetricMetadata> rows) {
  MutexLock lock(mutex_);
  for (const MetricMetadata& row : rows) {
    const auto known = rows_.find(row.metric);
    if (known == rows_.end()) {
      if (rows_.size() >= kMaxMetrics) continue;
      rows_.emplace(row.metric, row);
    } else if (known->second == row) {
      continue;
    } else {
      known->second = row;
    }
    changed_.insert(row.metric);
  }
}

void MetadataStore::Restore(std::vector<MetricMetadata> rows) {
  MutexLock lock(mutex_);
  for (MetricMetadata& row : rows) {
    std::string metric = row.metric;
    rows_.try_emplace(std::move(metric), std::move(row));
  }
}

std::vector<MetricMetadata> MetadataStore::TakeChanged() {
  MutexLock lock(mutex_);
  std::vector<MetricMetadata> rows;
  for (const std::string& metric : std::exchange(changed_, {})) {
    rows.push_back(rows_.find(metric)->second);
  }
  return rows;
}

void MetadataStore::GiveBack(std::span<const MetricMetadata> rows) {
  MutexLock lock(mutex_);
  for (const MetricMetadata& row : rows) changed_.insert(row.metric);
}

std::vector<MetricMetadata> MetadataStore::Get(const std::string& metric) const {
  MutexLock lock(mutex_);
  std::vector<MetricMetadata> found;
  if (!metric.empty()) {
    const auto known = rows_.find(metric);
    if (known != rows_.end()) found.push_back(known->second);
    return found;
  }
  found.reserve(rows_.size());
  for (const auto& [name, row] : rows_) found.push_back(row);
  return found;
}

}  // namespace vigil::storage
