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
  size_t Find(SeriesId id) {
    if (set_ == nullptr || next_ == set_->size() || set_->id(next_) != id) {
      return RolledUpSeries::kNone;
    }
    return next_++;
  }

 private:
  const MergedSeriesSet* set_;
  size_t next_ = 0;
};

// Which series have roll-ups of their class, and which are to be read as samples alone: native
// histograms are not rolled up, and a series may be too young.
struct Division {
  std::vector<RolledUpGroup> groups;
  std::vector<std::vector<SeriesRef>> members;  // of each group, sorted by labels
  std::vector<size_t> group_of;                 // by position of the ref
};

bool HasRows(const RolledUpGroup& group, SeriesId id) {
  return std::any_of(group.tables.begin(), group.tables.end(),
                     [id](const RollupTable& table) { return !RowsOf(table, id).empty(); });
}

// Gives the series without roll-ups a group of their own, the last one, which has no pieces.
void Divide(const Recent& recent, const std::vector<SeriesRef>& refs, Division* division) {
  const size_t plain = division->groups.size();
  division->groups.emplace_back();
  division->members.assign(plain + 1, {});
  for (size_t i = 0; i < refs.size(); ++i) {
    size_t& group = division->group_of[i];
    if (!HasRows(division->groups[group], recent.id(refs[i]))) group = plain;
    division->members[group].push_back(refs[i]);
  }
}

std::vector<RolledUpSeries> JoinSets(const Recent& recent, const std::vector<SeriesRef>& refs,
                                     const Division& division) {
  std::vector<IndexWalk> before;
  std::vector<IndexWalk> behind;
  for (const RolledUpGroup& group : division.groups) {
    before.emplace_back(group.before.get());
    behind.emplace_back(group.behind.get());
  }
  std::vector<RolledUpSeries> series;
  series.reserve(refs.size());
  for (size_t i = 0; i < refs.size(); ++i) {
    RolledUpSeries one;
    one.id = recent.id(refs[i]);
    one.group = division.group_of[i];
    one.before = before[one.group].Find(one.id);
    one.behind = behind[one.group].Find(one.id);
    const bool rolled_up = !division.groups[one.group].pieces.empty();
    if (!rolled_up && one.behind == RolledUpSeries::kNone) continue;
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
    RolledUpGroup& group = division.groups[i];
    TimestampMs from = hints.start;
    if (!group.pieces.empty()) {
      const TimestampMs after = group.pieces.front().after;
      if (after >= hints.start) {
        group.before = TRY(SelectRefs(members, hints, hints.start, after, tombstones));
      }
      from = group.pieces.back().until + 1;
    }
    group.behind = TRY(SelectRefs(members, hints, from, hints.end, tombstones));
  }
  std::vector<RolledUpSeries> series = JoinSets(recent_, refs, division);
  return std::unique_ptr<SeriesSet>(std::make_unique<RolledUpSeriesSet>(
      recent_, columns, std::move(division.groups), std::move(series), tombstones,
      counters_->corrupt_chunks));
}

Result<void> Store::ReadTables(const std::vector<SeriesRef>& refs, SummaryMask columns,
                               RolledUpGroup* group) const {
  std::vector<SeriesId> ids;
  ids.reserve(refs.size());
  for (const SeriesRef ref : refs) ids.push_back(recent_.id(ref));
  std::sort(ids.begin(), ids.end());
  for (const RollupPiece& piece : group->pieces) {
    group->tables.push_back(TRY_CONTEXT(rollups_->Read(ids, piece, columns), "reading roll-ups"));
    ++counters_->rollup_reads;
  }
  return Ok();
}

}  // namespace vigil::storage
