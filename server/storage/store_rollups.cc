// SPDX-License-Identifier: Apache-2.0
// Queries in which roll-ups stand in for old samples.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "server/storage/rolled_up_series_set.h"
#include "server/storage/store.h"
#include "server/storage/store_counters.h"

namespace vigil::storage {
namespace {

// What ReadSummed gives, and Read: the increase of a bucket is joined to the one before by values.
SummaryMask ColumnsFor(const RollupHint& hint) {
  using enum SummaryColumn;
  const SummaryMask mask = hint.columns | MaskOf(kLast);
  return Has(mask, kIncrease) ? mask | MaskOf(kFirst) : mask;
}

// The index of a series in a set whose series come in the order of their refs, if it is there.
class IndexWalk {
 public:
  explicit IndexWalk(const MergedSeriesSet* set) : set_(set) {}
  uint32_t Find(SeriesId id) {
    if (set_ == nullptr || next_ == set_->size() || set_->id(next_) != id) {
      return RolledUpSeries::kNone;
    }
    return static_cast<uint32_t>(next_++);
  }

 private:
  const MergedSeriesSet* set_;
  size_t next_ = 0;
};

// Which series are read how.
struct Division {
  std::vector<RolledUpGroup> groups;
  std::vector<std::vector<SeriesRef>> members;  // of each group, sorted by labels
  std::vector<size_t> group_of;                 // by position of the ref
};

bool HasRows(const RolledUpGroup& group, SeriesId id) {
  return std::any_of(group.tables.begin(), group.tables.end(),
                     [id](const auto& table) { return !RowsOf(*table, id).empty(); });
}

// Roll-ups of it that would stand in for samples hold native histograms: of these the samples say
// more.
bool HasHistograms(const RolledUpGroup& group, SeriesId id) {
  for (size_t k = 0; k < group.pieces.size(); ++k) {
    if (group.pieces[k].exact_after >= group.pieces[k].until) continue;
    const auto rows = RowsOf(*group.tables[k], id);
    if (std::any_of(rows.begin(), rows.end(),
                    [](const RollupRow& row) { return row.histograms.count > 0; })) {
      return true;
    }
  }
  return false;
}

// The roll-ups for which there are no samples.
RolledUpGroup OnlyGone(const RolledUpGroup& group) {
  RolledUpGroup gone;
  for (size_t k = 0; k < group.pieces.size(); ++k) {
    RollupPiece piece = group.pieces[k];
    piece.until = piece.exact_after = std::min(piece.until, piece.exact_after);
    if (piece.after >= piece.until) continue;
    gone.pieces.push_back(piece);
    gone.tables.push_back(group.tables[k]);
  }
  return gone;
}

// Whether memory has samples that the roll-ups of some members do not know yet: late ones. By
// position in `members`; empty when all pieces are of samples that are gone.
std::unique_ptr<RecentSamples> LateSamples(const Recent& recent, const RolledUpGroup& group,
                                           const std::vector<SeriesRef>& members) {
  TimestampMs after = INT64_MAX;
  TimestampMs until = INT64_MIN;
  for (const RollupPiece& piece : group.pieces) {
    if (piece.exact_after >= piece.until) continue;
    after = std::min(after, piece.exact_after);
    until = std::max(until, piece.until);
  }
  return after < until ? recent.Snapshot(members, after + 1, until) : nullptr;
}

// Each group gets two more: of series whose samples are read wherever they are there, and of those
// without roll-ups, which have no pieces.
void Divide(const Recent& recent, const std::vector<SeriesRef>& refs, Division* division) {
  const size_t classes = division->groups.size();
  std::vector<std::unique_ptr<RecentSamples>> late;
  for (size_t i = 0; i < classes; ++i) {
    late.push_back(LateSamples(recent, division->groups[i], division->members[i]));
  }
  for (size_t i = 0; i < classes; ++i) {
    division->groups.push_back(OnlyGone(division->groups[i]));
  }
  const size_t plain = division->groups.size();
  division->groups.emplace_back();
  std::vector<size_t> position(classes, 0);
  division->members.assign(plain + 1, {});
  for (size_t i = 0; i < refs.size(); ++i) {
    size_t& group = division->group_of[i];
    const size_t own = group;
    const SeriesId id = recent.id(refs[i]);
    const size_t at = position[own]++;
    const bool is_late = late[own] != nullptr && late[own]->Has(at);
    if (!HasRows(division->groups[own], id)) {
      group = plain;
    } else if (is_late || HasHistograms(division->groups[own], id)) {
      group = classes + own;
      if (division->groups[group].pieces.empty()) group = plain;
    }
    division->members[group].push_back(refs[i]);
  }
}

std::vector<RolledUpSeries> JoinSets(const Recent& recent, const std::vector<SeriesRef>& refs,
                                     const Division& division) {
  std::vector<std::vector<IndexWalk>> walks;
  for (const RolledUpGroup& group : division.groups) {
    std::vector<IndexWalk>& sets = walks.emplace_back();
    for (const auto& set : group.samples) sets.emplace_back(set.get());
  }
  std::vector<RolledUpSeries> series;
  series.reserve(refs.size());
  for (size_t i = 0; i < refs.size(); ++i) {
    RolledUpSeries one;
    one.id = recent.id(refs[i]);
    one.group = division.group_of[i];
    bool any = !division.groups[one.group].pieces.empty();
    for (IndexWalk& walk : walks[one.group]) {
      one.samples.push_back(walk.Find(one.id));
      any = any || one.samples.back() != RolledUpSeries::kNone;
    }
    if (!any) continue;
    one.labels = recent.labels(refs[i]);
    series.push_back(std::move(one));
  }
  return series;
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> Store::SelectRolledUp(
    const std::vector<SeriesRef>& refs, const SelectHints& hints,
    const std::shared_ptr<const Tombstones>& tombstones) const {
  const SummaryMask columns = ColumnsFor(hints.rollups);
  Division division;
  std::map<uint16_t, size_t> group_of_class;
  uint16_t last_class = 0;
  size_t group_of_last = 0;
  for (const SeriesRef ref : refs) {
    const uint16_t retention_class = recent_.retention_class(ref);
    if (retention_class != last_class) {  // 0 is none
      const auto [at, fresh] = group_of_class.try_emplace(retention_class, division.members.size());
      if (fresh) division.members.emplace_back();
      last_class = retention_class;
      group_of_last = at->second;
    }
    division.members[group_of_last].push_back(ref);
    division.group_of.push_back(group_of_last);
  }
  division.groups.resize(division.members.size());
  bool any = false;
  for (const auto& [retention_class, group] : group_of_class) {
    auto pieces =
        TRY_CONTEXT(rollups_->Plan(retention_class, hints.start, hints.end, hints.rollups),
                    "looking for roll-ups");
    any = any || !pieces.empty();
    division.groups[group].pieces = std::move(pieces);
  }
  if (!any) return std::unique_ptr<SeriesSet>();
  for (size_t i = 0; i < division.groups.size(); ++i) {
    TRY(ReadTables(division.members[i], columns, &division.groups[i]));
  }
  Divide(recent_, refs, &division);
  for (size_t i = 0; i < division.groups.size(); ++i) {
    const std::vector<SeriesRef>& members = division.members[i];
    TRY(SelectBeside(members, hints, tombstones, &division.groups[i]));
  }
  std::vector<RolledUpSeries> series = JoinSets(recent_, refs, division);
  return std::unique_ptr<SeriesSet>(std::make_unique<RolledUpSeriesSet>(
      recent_, columns, std::move(division.groups), std::move(series), tombstones,
      counters_->corrupt_chunks));
}

Result<void> Store::SelectBeside(const std::vector<SeriesRef>& members, const SelectHints& hints,
                                 const std::shared_ptr<const Tombstones>& tombstones,
                                 RolledUpGroup* group) const {
  TimestampMs from = hints.start;
  for (const RollupPiece& piece : group->pieces) {
    group->samples.emplace_back();
    if (!members.empty() && piece.after >= from) {
      group->samples.back() = TRY(SelectRefs(members, hints, from, piece.after, tombstones));
    }
    from = std::max(from, piece.until + 1);
  }
  group->samples.emplace_back();
  if (!members.empty()) {
    group->samples.back() = TRY(SelectRefs(members, hints, from, hints.end, tombstones));
  }
  return Ok();
}

Result<void> Store::ReadTables(const std::vector<SeriesRef>& refs, SummaryMask columns,
                               RolledUpGroup* group) const {
  std::vector<SeriesId> ids;
  ids.reserve(refs.size());
  for (const SeriesRef ref : refs) ids.push_back(recent_.id(ref));
  std::sort(ids.begin(), ids.end());
  for (const RollupPiece& piece : group->pieces) {
    group->tables.push_back(std::make_shared<const RollupTable>(
        TRY_CONTEXT(rollups_->Read(ids, piece, columns), "reading roll-ups")));
    ++counters_->rollup_reads;
  }
  return Ok();
}

}  // namespace vigil::storage
