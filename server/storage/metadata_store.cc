// SPDX-License-Identifier: Apache-2.0
#include "server/storage/metadata_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/storage/limits.h"

namespace vigil::storage {
namespace {

// What the metrics of a family end with.
constexpr std::array<std::string_view, 9> kSuffixes = {
    "", "_total", "_bucket", "_count", "_sum", "_created", "_info", "_gcount", "_gsum"};

size_t BytesOf(const MetricMetadata& row) {
  return 2 * row.metric.size() + row.type.size() + row.help.size() + row.unit.size() +
         sizeof(MetricMetadata);
}

// Not in the middle of a character.
void Cut(std::string* text) {
  if (text->size() <= MetadataStore::kMaxTextBytes) return;
  size_t end = MetadataStore::kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

bool HasSeries(std::string_view family, std::span<const std::string> metrics) {
  std::string name;
  return std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](std::string_view suffix) {
    name.assign(family).append(suffix);
    return std::binary_search(metrics.begin(), metrics.end(), name);
  });
}

}  // namespace

void MetadataStore::Add(MetricMetadata row, TimestampMs told) {
  bytes_ += BytesOf(row);
  std::string metric = row.metric;
  rows_.emplace(std::move(metric), Row{std::move(row), told});
}

void MetadataStore::Put(std::span<const MetricMetadata> rows, TimestampMs now) {
  MutexLock lock(mutex_);
  for (const MetricMetadata& told : rows) {
    if (!MetricNameFits(told.metric)) continue;
    MetricMetadata row = told;
    for (std::string* text : {&row.type, &row.help, &row.unit}) Cut(text);
    const auto known = rows_.find(row.metric);
    if (known == rows_.end()) {
      if (rows_.size() >= kMaxMetrics || bytes_ + BytesOf(row) > kMaxBytes) continue;
      changed_.insert(row.metric);
      Add(std::move(row), now);
      continue;
    }
    known->second.told = now;
    if (known->second.metadata == row) continue;
    const size_t bytes = bytes_ - BytesOf(known->second.metadata) + BytesOf(row);
    if (bytes > kMaxBytes) continue;
    bytes_ = bytes;
    changed_.insert(row.metric);
    known->second.metadata = std::move(row);
  }
}

void MetadataStore::Restore(std::vector<MetricMetadata> rows) {
  MutexLock lock(mutex_);
  for (MetricMetadata& row : rows) {
    if (!rows_.contains(row.metric)) Add(std::move(row), INT64_MIN);
  }
}

std::vector<MetricMetadata> MetadataStore::TakeChanged() {
  MutexLock lock(mutex_);
  std::vector<MetricMetadata> rows;
  for (const std::string& metric : std::exchange(changed_, {})) {
    rows.push_back(rows_.find(metric)->second.metadata);
  }
  return rows;
}

void MetadataStore::GiveBack(std::span<const MetricMetadata> rows) {
  MutexLock lock(mutex_);
  for (const MetricMetadata& row : rows) {
    if (rows_.contains(row.metric)) changed_.insert(row.metric);
  }
}

std::vector<std::string> MetadataStore::Unused(std::span<const std::string> metrics,
                                               TimestampMs told_before) const {
  MutexLock lock(mutex_);
  std::vector<std::string> unused;
  for (const auto& [name, row] : rows_) {
    if (row.told < told_before && !HasSeries(name, metrics)) unused.push_back(name);
  }
  return unused;
}

void MetadataStore::Forget(std::span<const std::string> names, TimestampMs told_before) {
  MutexLock lock(mutex_);
  for (const std::string& name : names) {
    const auto known = rows_.find(name);
    if (known == rows_.end()) continue;
    if (known->second.told >= told_before) {
      changed_.insert(name);  // the table has just lost it
      continue;
    }
    bytes_ -= BytesOf(known->second.metadata);
    rows_.erase(known);
    changed_.erase(name);
  }
}

std::vector<MetricMetadata> MetadataStore::Get(const std::string& metric) const {
  MutexLock lock(mutex_);
  std::vector<MetricMetadata> found;
  if (!metric.empty()) {
    const auto known = rows_.find(metric);
    if (known != rows_.end()) found.push_back(known->second.metadata);
    return found;
  }
  found.reserve(rows_.size());
  for (const auto& [name, row] : rows_) found.push_back(row.metadata);
  return found;
}

}  // namespace vigil::storage
