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
        waiting_.push_back({recent_.id(batch.refs[i]), batch.exemplars[i]});
        DropOldestWaiting();
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

void ExemplarStore::DropOldestWaiting() {
  for (; waiting_.size() > kMaxWaiting; waiting_.pop_front()) ++counts_.not_written;
}

void ExemplarStore::Resize(size_t capacity) {
  MutexLock lock(mutex_);
  ring_.Resize(capacity);
}

TimestampMs ExemplarStore::MissingUntil(TimestampMs start, TimestampMs end) const {
  MutexLock lock(mutex_);
  // Not full: nothing was ever pushed out.
  if (ring_.size() < ring_.capacity() || ring_.capacity() == 0) return INT64_MIN;
  return start < ring_.oldest_time() ? std::min(end, ring_.oldest_time()) : INT64_MIN;
}

Result<void> ExemplarStore::AddOlder(const std::vector<SeriesRef>& refs, TimestampMs start,
                                     TimestampMs end, ExemplarTable* table,
                                     std::vector<std::vector<Exemplar>>* found) const {
  std::vector<std::pair<SeriesId, size_t>> places;  // in *found
  for (size_t i = 0; i < refs.size(); ++i) places.emplace_back(recent_.id(refs[i]), i);
  std::sort(places.begin(), places.end());
  std::vector<SeriesId> ids;
  for (const auto& [id, place] : places) ids.push_back(id);
  for (ExemplarRow& row : TRY(table->ReadSpan(ids, start, end, kMaxRead))) {
    const auto id = std::lower_bound(ids.begin(), ids.end(), row.series);
    if (id == ids.end() || *id != row.series) continue;
    std::vector<Exemplar>& of = (*found)[places[static_cast<size_t>(id - ids.begin())].second];
    const bool known = std::any_of(of.begin(), of.end(), [&row](const Exemplar& other) {
      return other.timestamp == row.exemplar.timestamp &&
             SameBits(other.value, row.exemplar.value) && other.labels == row.exemplar.labels;
    });
    if (!known) of.push_back(std::move(row.exemplar));
  }
  for (std::vector<Exemplar>& of : *found) {
    std::stable_sort(of.begin(), of.end(), [](const Exemplar& a, const Exemplar& b) {
      return a.timestamp < b.timestamp;
    });
  }
  return Ok();
}

Result<std::vector<SeriesExemplars>> ExemplarStore::Select(
    const std::vector<std::vector<Matcher>>& selectors, TimestampMs start, TimestampMs end,
    ExemplarTable* table) const {
  std::vector<SeriesRef> refs;
  for (const std::vector<Matcher>& matchers : selectors) {
    const std::vector<SeriesRef> matched = recent_.Match(matchers);
    refs.insert(refs.end(), matched.begin(), matched.end());
  }
  std::sort(refs.begin(), refs.end());
  refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  recent_.SortByLabels(&refs);
  std::vector<std::vector<Exemplar>> found(refs.size());
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < refs.size(); ++i) found[i] = ring_.Of(refs[i], start, end);
  }
  const TimestampMs missing = MissingUntil(start, end);
  if (table != nullptr && missing != INT64_MIN && !refs.empty()) {
    TRY_CONTEXT(AddOlder(refs, start, missing, table, &found), "reading older exemplars");
  }
  std::vector<SeriesExemplars> out;
  for (size_t i = 0; i < refs.size(); ++i) {
    if (!found[i].empty()) out.push_back({recent_.labels(refs[i]), std::move(found[i])});
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
  std::vector<ExemplarRow> rows(std::make_move_iterator(waiting_.begin()),
                                std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return rows;
}

void ExemplarStore::GiveBack(std::vector<ExemplarRow> rows) {
  MutexLock lock(mutex_);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(rows.begin()),
                  std::make_move_iterator(rows.end()));
  DropOldestWaiting();
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
