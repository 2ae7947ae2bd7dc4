// SPDX-License-Identifier: Apache-2.0
// The store's side of a query.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/storage/merged_series_set.h"
#include "server/storage/store.h"
#include "server/storage/store_counters.h"

namespace vigil::storage {
namespace {

// The ids of which the database may have samples that memory has not, sorted, and up to when.
struct Wanted {
  std::vector<SeriesId> ids;
  TimestampMs until = INT64_MIN;
};

Wanted WantedFromDatabase(const std::vector<MergedSeries>& series, const RecentSamples& recent,
                          TimestampMs start) {
  Wanted wanted;
  for (const MergedSeries& one : series) {
    const TimestampMs until = recent.StoredUntil(one.recent);
    if (until < start) continue;
    wanted.ids.push_back(one.id);
    wanted.until = std::max(wanted.until, until);
  }
  std::sort(wanted.ids.begin(), wanted.ids.end());
  return wanted;
}

// Gives each series its rows and lets go of those that have no samples at all.
void AssignRows(const ChunkTable& table, const RecentSamples& recent,
                std::vector<MergedSeries>* series) {
  const auto by_series = [](const ChunkRow& row, SeriesId id) { return row.series < id; };
  for (MergedSeries& one : *series) {
    const auto first = std::lower_bound(table.rows.begin(), table.rows.end(), one.id, by_series);
    auto last = first;
    while (last != table.rows.end() && last->series == one.id) ++last;
    one.rows = static_cast<size_t>(first - table.rows.begin());
    one.rows_end = static_cast<size_t>(last - table.rows.begin());
  }
  std::erase_if(*series, [&recent](const MergedSeries& one) {
    return one.rows == one.rows_end && !recent.Has(one.recent);
  });
}

}  // namespace

std::vector<SeriesRef> Store::MatchIn(const std::vector<Matcher>& matchers, TimestampMs start,
                                      TimestampMs end) const {
  if (start > end) return {};
  std::vector<SeriesRef> refs = recent_.Match(matchers);
  recent_.DropOutside(start, end, &refs);
  return refs;
}

void Store::SetTombstones(std::shared_ptr<const Tombstones> tombstones) {
  if (tombstones != nullptr && tombstones->empty()) tombstones.reset();
  tombstones_.Set(std::move(tombstones));
}

std::vector<SeriesId> Store::MatchIds(const std::vector<Matcher>& matchers, TimestampMs start,
                                      TimestampMs end) const {
  std::vector<SeriesId> ids;
  for (const SeriesRef ref : MatchIn(matchers, start, end)) ids.push_back(recent_.id(ref));
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<std::unique_ptr<SeriesSet>> Store::Select(const std::vector<Matcher>& matchers,
                                                 const SelectHints& hints) const {
  // Before anything is read: a tombstone goes only after its samples have.
  const auto tombstones = tombstones_.Copy();
  const bool roll_ups = rollups_ != nullptr && hints.rollups.max_resolution_ms > 0 &&
                        !hints.series_only && rollups_->MayStandIn(hints.start, hints.rollups);
  // The bucket before the span may reach into it.
  const TimestampMs start = hints.start - (roll_ups ? hints.rollups.max_resolution_ms : 0);
  std::vector<SeriesRef> refs = MatchIn(matchers, start, hints.end);
  if (refs.size() > hints.max_bytes / SelectHints::kSeriesBytes) {
    return ExecutionError("the " + std::to_string(refs.size()) +
                          " series of a selector take more memory than the query may: ask for "
                          "fewer series");
  }
  recent_.SortByLabels(&refs);
  if (roll_ups) {
    auto rolled_up = TRY(SelectRolledUp(refs, hints, tombstones));
    if (rolled_up != nullptr) return rolled_up;
  }
  auto set = TRY(SelectRefs(refs, hints, hints.start, hints.end, tombstones));
  if (hints.chunk_summaries.columns != 0 && !hints.series_only) {
    set->TakeSummaries(hints.windows, hints.chunk_summaries, counters_->summed_chunks);
  }
  return std::unique_ptr<SeriesSet>(std::move(set));
}

Result<std::unique_ptr<MergedSeriesSet>> Store::SelectRefs(
    const std::vector<SeriesRef>& refs, const SelectHints& hints, TimestampMs start,
    TimestampMs end, const std::shared_ptr<const Tombstones>& tombstones) const {
  std::vector<MergedSeries> series;
  series.reserve(refs.size());
  for (const SeriesRef ref : refs) {
    series.push_back({recent_.labels(ref), recent_.id(ref), series.size(), 0, 0});
  }
  std::unique_ptr<RecentSamples> samples;
  ChunkTable table;
  if (!hints.series_only) {
    // Memory first: what a flush moves to the database meanwhile is then seen twice, not missed.
    samples = recent_.Snapshot(refs, start, end);
    const Wanted wanted = WantedFromDatabase(series, *samples, start);
    if (!wanted.ids.empty()) {
      table = TRY_CONTEXT(chunks_.Read(wanted.ids, start, wanted.until), "reading chunks");
    }
    AssignRows(table, *samples, &series);
  }
  return std::make_unique<MergedSeriesSet>(recent_, start, end, std::move(series),
                                           std::move(samples), std::move(table), tombstones,
                                           counters_->corrupt_chunks);
}

Result<std::vector<std::string>> Store::LabelNames(const std::vector<Matcher>& matchers,
                                                   TimestampMs start, TimestampMs end) const {
  if (matchers.empty()) return recent_.LabelNames();
  return recent_.LabelNamesOf(MatchIn(matchers, start, end));
}

Result<std::vector<std::string>> Store::LabelValues(std::string_view name,
                                                    const std::vector<Matcher>& matchers,
                                                    TimestampMs start, TimestampMs end) const {
  if (matchers.empty()) return recent_.LabelValues(name);
  return recent_.LabelValuesOf(name, MatchIn(matchers, start, end));
}

}  // namespace vigil::storage
