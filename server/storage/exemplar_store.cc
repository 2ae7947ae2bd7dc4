// SPDX-License-Identifier: Apache-2.0
#include "server/storage/exemplar_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vigil::storage {

void ExemplarStore::Append(const ExemplarBatch& batch) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < batch.refs.size(); ++i) {
    switch (ring_.Add(batch.refs[i], batch.exemplars[i])) {
      case ExemplarVerdict::kAdded:
        ++counts_.appended;
        if (waiting_.size() < kMaxWaiting) {
          waiting_.push_back({recent_.id(batch.refs[i]), batch.exemplars[i]});
        } else {
          ++counts_.not_written;
        }
        break;
      case ExemplarVerdict::kOutOfOrder:
        ++counts_.out_of_order;
        break;
      case ExemplarVerdict::kTooLong:
        ++counts_.too_long;
        break;
      case ExemplarVerdict::kDuplicate:
      case ExemplarVerdict::kOff:
        break;
    }
  }
}

void ExemplarStore::Resize(size_t capacity) {
  MutexLock lock(mutex_);
  ring_.Resize(capacity);
}

std::vector<SeriesExemplars> ExemplarStore::Select(
    const std::vector<std::vector<Matcher>>& selectors, TimestampMs start, TimestampMs end) const {
  std::vector<SeriesRef> refs;
  for (const std::vector<Matcher>& matchers : selectors) {
    const std::vector<SeriesRef> matched = recent_.Match(matchers);
    refs.insert(refs.end(), matched.begin(), matched.end());
  }
  std::sort(refs.begin(), refs.end());
  refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  recent_.SortByLabels(&refs);
  std::vector<SeriesExemplars> out;
  MutexLock lock(mutex_);
  for (const SeriesRef ref : refs) {
    std::vector<Exemplar> exemplars = ring_.Of(ref, start, end);
    if (!exemplars.empty()) out.push_back({recent_.labels(ref), std::move(exemplars)});
  }
  return out;
}

void ExemplarStore::Restore(const std::vector<ExemplarRow>& rows) {
  std::vector<SeriesId> ids;
  for (const ExemplarRow& row : rows) ids.push_back(row.series);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const std::vector<SeriesRef> refs = recent_.FindIds(ids);
  MutexLock lock(mutex_);
  for (const ExemplarRow& row : rows) {
    const auto id = std::lower_bound(ids.begin(), ids.end(), row.series);
    const SeriesRef ref = refs[static_cast<size_t>(id - ids.begin())];
    if (ref != 0) ring_.Add(ref, row.exemplar);
  }
}

std::vector<ExemplarRow> ExemplarStore::TakeNew() {
  MutexLock lock(mutex_);
  return std::exchange(waiting_, {});
}

void ExemplarStore::GiveBack(std::vector<ExemplarRow> rows) {
  MutexLock lock(mutex_);
  rows.insert(rows.end(), std::make_move_iterator(waiting_.begin()),
              std::make_move_iterator(waiting_.end()));
  if (rows.size() > kMaxWaiting) {
    counts_.not_written += rows.size() - kMaxWaiting;
    rows.resize(kMaxWaiting);
  }
  waiting_ = std::move(rows);
}

ExemplarStats ExemplarStore::Stats() const {
  MutexLock lock(mutex_);
  ExemplarStats stats = counts_;
  stats.in_memory = ring_.size();
  stats.series = ring_.series();
  stats.capacity = ring_.capacity();
  stats.oldest_time = ring_.oldest_time();
  return stats;
}

}  // namespace vigil::storage
