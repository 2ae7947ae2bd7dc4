// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/postgres/rollup_buckets.h"

namespace vigil::postgres {
namespace {

using storage::RollupPiece;

// No row is longer than a leaf of a day and the flush that reached beyond it.
constexpr int64_t kLongestRowMs = 2 * 86'400'000LL;
constexpr int kReadAttempts = 2;
constexpr int kReadFixedColumns = 6;  // in front of those that were asked for

// In the order of storage::SummaryColumn.
constexpr std::array<const char*, storage::kSummaryColumns> kNames = {
    "count", "sum", "min", "max", "first", "last", "increase"};

TimestampMs Floor(TimestampMs time, int64_t width) {
  const int64_t into = time % width;
  return time - (into < 0 ? into + width : into);
}
TimestampMs Ceil(TimestampMs time, int64_t width) { return Floor(time + width - 1, width); }

// Where the samples are gone: the buckets of (after, until], which are multiples of an hour.
std::vector<RollupPiece> WhereSamplesAreGone(const RollupCoverage& coverage, TimestampMs after,
                                             TimestampMs until, const storage::RollupHint& hint) {
  const bool fine = coverage.oldest_5m != INT64_MAX;
  const bool coarse = coverage.oldest_1h != INT64_MAX && hint.max_resolution_ms >= kOneHourMs;
  if (after >= until || (!fine && !coarse)) return {};
  if (!coarse) return {{kFiveMinutesMs, after, until, until}};
  if (!fine) return {{kOneHourMs, after, until, until}};
  const bool hourly = hint.exact_resolution_ms == kOneHourMs;
  const TimestampMs oldest = Ceil(hourly ? coverage.oldest_1h : coverage.oldest_5m, kOneHourMs);
  const TimestampMs turn = std::clamp(oldest, after, until);
  std::vector<RollupPiece> pieces;
  const std::array<int64_t, 2> widths = {hourly ? kFiveMinutesMs : kOneHourMs,
                                         hourly ? kOneHourMs : kFiveMinutesMs};
  if (after < turn) pieces.push_back({widths[0], after, turn, turn});
  if (turn < until) pieces.push_back({widths[1], turn, until, until});
  return pieces;
}

// The pieces in order; where samples are there between two of them, the exact ones.
class PieceList {
 public:
  // exact: of one width, the others are not limited in time.
  PieceList(int64_t width, TimestampMs after, TimestampMs until)
      : width_(width), after_(after), until_(until) {}

  void AddGone(const std::vector<RollupPiece>& pieces) {
    if (pieces.empty()) return;
    FillUpTo(pieces.front().after);
    for (const RollupPiece& piece : pieces) pieces_.push_back(piece);
  }
  void FillUpTo(TimestampMs end) {
    if (width_ == 0) return;
    const TimestampMs until = std::min(until_, Floor(end, width_));
    TimestampMs after = after_;
    if (!pieces_.empty()) after = std::max(after, Ceil(pieces_.back().until, width_));
    if (until <= after) return;
    RollupPiece* const last = pieces_.empty() ? nullptr : &pieces_.back();
    if (last != nullptr && last->resolution_ms == width_ && last->until == after) {
      last->until = until;  // exact from where it was gone until
    } else {
      pieces_.push_back({width_, after, until, after});
    }
  }
  std::vector<RollupPiece> Take() { return std::move(pieces_); }

 private:
  const int64_t width_;
  const TimestampMs after_;
  const TimestampMs until_;
  std::vector<RollupPiece> pieces_;
};

std::string Sql(int64_t resolution_ms, storage::SummaryMask columns) {
  std::string sql = "SELECT series_id, min_time, span_ms, n, coalesce(on_end, ''), histograms";
  for (size_t column = 0; column < kNames.size(); ++column) {
    if (Has(columns, static_cast<storage::SummaryColumn>(column))) {
      sql += std::string(", ") + kNames[column];
    }
  }
  return sql + (resolution_ms == kOneHourMs ? " FROM vigil.rollup_1h" : " FROM vigil.rollup_5m") +
         " WHERE series_id = ANY ($1::int8[]) AND min_time < $3::int8 AND min_time + span_ms >= "
         "$2::int8 AND min_time >= $2::int8 - " +
         std::to_string(kLongestRowMs) + " ORDER BY series_id, min_time, leaf";
}

void AppendRows(const Rows& rows, storage::SummaryMask columns, storage::RollupTable* table) {
  size_t bytes = 0;
  const int wanted = __builtin_popcount(columns);
  for (int row = 0; row < rows.size(); ++row) {
    bytes += rows.Bytes(row, 4).size() + rows.Bytes(row, 5).size();
    for (int column = 0; column < wanted; ++column) {
      bytes += rows.Bytes(row, kReadFixedColumns + column).size();
    }
  }
  std::string& arena = table->arena.emplace_back();
  arena.reserve(bytes);
  table->rows.reserve(static_cast<size_t>(rows.size()));
  const auto keep = [&arena](std::string_view data) {
    const char* const at = arena.data() + arena.size();
    arena.append(data);
    return std::string_view(at, data.size());
  };
  const auto chunk_of = [&](int row, std::string_view data) {
    storage::ChunkRow chunk;
    chunk.series = rows.Int(row, 0);
    chunk.min_time = rows.Int(row, 1);
    chunk.max_time = chunk.min_time + rows.Int(row, 2);
    chunk.count = static_cast<uint32_t>(rows.Int(row, 3));
    chunk.encoding = EncodingOf(data);
    chunk.data = keep(data);
    return chunk;
  };
  for (int row = 0; row < rows.size(); ++row) {
    storage::RollupRow& out = table->rows.emplace_back();
    out.series = rows.Int(row, 0);
    if (!rows.IsNull(row, 5)) {
      out.histograms = chunk_of(row, rows.Bytes(row, 5));
      continue;
    }
    out.on_end = keep(rows.Bytes(row, 4));
    int next = kReadFixedColumns;
    for (size_t column = 0; column < kNames.size(); ++column) {
      if (!Has(columns, static_cast<storage::SummaryColumn>(column))) continue;
      out.columns[column] = chunk_of(row, rows.Bytes(row, next++));
    }
  }
}

}  // namespace

std::vector<RollupPiece> PlanRollups(const RollupCoverage& coverage, TimestampMs start,
                                     TimestampMs end, const storage::RollupHint& hint) {
  if (hint.max_resolution_ms < kFiveMinutesMs || end < start) return {};
  // The last border at which all samples of all buckets before are known to be rolled up.
  const TimestampMs rolled_up =
      coverage.rolled_up_until == INT64_MAX
          ? INT64_MAX
          : Floor(std::max(coverage.rolled_up_until, INT64_MIN / 2) - 1, kOneHourMs);
  const TimestampMs last = Ceil(end, kOneHourMs);
  const TimestampMs gone_until = std::min(
      {Ceil(std::clamp(coverage.samples_from, INT64_MIN / 2, last), kOneHourMs), rolled_up, last});

  int64_t width = hint.exact_resolution_ms;
  // What fits the wider ones fits these.
  if (width == kOneHourMs && coverage.oldest_1h == INT64_MAX) width = kFiveMinutesMs;
  const TimestampMs oldest = width == kOneHourMs       ? coverage.oldest_1h
                             : width == kFiveMinutesMs ? coverage.oldest_5m
                                                       : INT64_MAX;
  if (oldest == INT64_MAX) width = 0;
  TimestampMs exact_after = 0;
  TimestampMs exact_until = 0;
  if (width != 0) {
    exact_after = Ceil(std::max({hint.exact_after, oldest, coverage.samples_from}), width);
    // Nothing is between what is gone and what is exact.
    if (start < gone_until) exact_after = std::min(exact_after, gone_until);
    exact_until = Floor(std::min({hint.exact_until, coverage.rolled_up_until - 1,
                                  hint.any_age ? INT64_MAX : coverage.replace_until, last}),
                        width);
  }
  PieceList pieces(width, exact_after, exact_until);
  // One bucket more: a look back may want it, and increases count from it.
  const TimestampMs first = Floor(start - 1, kOneHourMs) - kOneHourMs;
  if (start < gone_until) pieces.AddGone(WhereSamplesAreGone(coverage, first, gone_until, hint));
  for (const RollupCoverage::Gap& gap : coverage.gaps) {
    const TimestampMs until = std::min(Floor(gap.until, kOneHourMs), last);
    pieces.AddGone(
        WhereSamplesAreGone(coverage, std::max(first, Ceil(gap.from, kOneHourMs)), until, hint));
  }
  pieces.FillUpTo(last);
  return pieces.Take();
}

RollupReader::RollupReader(RollupReaderOptions options, const LeafRegistry* leaves,
                           const SharedRetention* retention, const Clock& clock)
    : options_(std::move(options)),
      leaves_(leaves),
      retention_(retention),
      clock_(clock),
      readers_(options_.conninfo, options_.connections, clock) {}

template <typename Work>
Result<void> RollupReader::WithReader(Work work) const {
  for (int attempt = 1; true; ++attempt) {
    auto reader = TRY(readers_.Take(options_.timeout_ms));
    Result<void> done = work(&reader);
    const bool again = !done && reader.connection->broken() && attempt < kReadAttempts &&
                       done.error().kind == ErrorKind::kUnavailable;
    readers_.Return(std::move(reader));
    if (!again) return done;
  }
}

RollupCoverage RollupReader::SamplesOf(uint16_t retention_class,
                                       const RetentionPolicy& policy) const {
  const TimestampMs today = std::min(clock_.Now(), leaves_->Newest());
  RollupCoverage coverage;
  coverage.replace_until =
      today < INT64_MIN / 2 ? INT64_MIN / 2 : today - policy.rollups.use_after_ms;
  const TimestampMs cutoff = policy.CutoffOf(retention_class, today);
  coverage.samples_from = INT64_MAX;
  std::vector<RollupCoverage::Gap> there;
  for (const Leaf& leaf : leaves_->All()) {
    // Of any class: the class of a series may have been another one when it was flushed.
    if (leaf.newest < cutoff || leaf.thin) continue;
    there.push_back({leaf.start, std::max(leaf.end, leaf.newest + 1)});
  }
  std::sort(there.begin(), there.end(),
            [](const auto& a, const auto& b) { return a.from < b.from; });
  if (!there.empty()) coverage.samples_from = std::max(there.front().from, cutoff);
  TimestampMs covered = coverage.samples_from;
  for (const RollupCoverage::Gap& leaf : there) {
    if (leaf.from > covered) coverage.gaps.push_back({covered, leaf.from});
    covered = std::max(covered, leaf.until);
  }
  return coverage;
}

Result<void> RollupReader::Complete(uint16_t retention_class, const RetentionPolicy& policy,
                                    RollupCoverage* coverage) const {
  const TimestampMs today = std::min(clock_.Now(), leaves_->Newest());
  const std::string kept =
      " WHERE newest >= " + std::to_string(policy.CutoffOf(retention_class, today));
  const auto oldest_of = [](int64_t width) {
    return ", (SELECT min(min_time) FROM vigil.rollup_leaf WHERE resolution_ms = " +
           std::to_string(width) + ")";
  };
  const std::string wanted = std::to_string(policy.rollups.Resolutions());
  const std::string unready =
      " AND NOT thin AND (rolled_up <> generation OR n_chunks <> merged_chunks OR resolutions & " +
      wanted + " <> " + wanted + ")";
  const std::string sql = "SELECT (SELECT min(min_time) FROM vigil.leaf" + kept + unready +
                          "), (SELECT max(end_time) FROM vigil.leaf" + kept + ")" +
                          oldest_of(kFiveMinutesMs) + oldest_of(kOneHourMs) +
                          ", (SELECT max(dropped_until) FROM vigil.retention_class)";
  return WithReader([&](ReadConnection* reader) -> Result<void> {
    const Rows rows = TRY(reader->connection->Query(sql, options_.timeout_ms));
    const auto at = [&rows](int column, TimestampMs otherwise) {
      return rows.IsNull(0, column) ? otherwise : rows.Int(0, column);
    };
    // What no leaf holds yet is in memory.
    coverage->rolled_up_until = at(0, at(1, leaves_->Newest()));
    // A resolution that is switched off is not kept up any more.
    coverage->oldest_5m = policy.rollups.five_minutes_ms == 0 ? INT64_MAX : at(2, INT64_MAX);
    coverage->oldest_1h = policy.rollups.one_hour_ms == 0 ? INT64_MAX : at(3, INT64_MAX);
    // In other gaps there never were samples.
    const TimestampMs dropped_until = at(4, INT64_MIN);
    std::erase_if(coverage->gaps, [dropped_until](const RollupCoverage::Gap& gap) {
      return gap.from >= dropped_until;
    });
    // The last bucket has a sample on its end that the leaf behind has not rolled up yet.
    if (!coverage->gaps.empty()) TRY(FindBorders(kept + unready, reader, coverage));
    return Ok();
  });
}

Result<void> RollupReader::FindBorders(const std::string& unready, ReadConnection* reader,
                                       RollupCoverage* coverage) const {
  const Rows rows = TRY(
      reader->connection->Query("SELECT min_time FROM vigil.leaf" + unready, options_.timeout_ms));
  for (int row = 0; row < rows.size(); ++row) {
    for (RollupCoverage::Gap& gap : coverage->gaps) {
      if (gap.until == rows.Int(row, 0)) gap.until -= kOneHourMs;
    }
  }
  return Ok();
}

bool RollupReader::MayHelp(const RollupCoverage& coverage, TimestampMs start,
                           const storage::RollupHint& hint) {
  const TimestampMs replaced =
      hint.any_age ? hint.exact_until : std::min(hint.exact_until, coverage.replace_until);
  const bool in_gap =
      std::any_of(coverage.gaps.begin(), coverage.gaps.end(),
                  [start](const RollupCoverage::Gap& gap) { return gap.until > start; });
  return start < coverage.samples_from || in_gap ||
         (hint.exact_resolution_ms > 0 && hint.exact_after < replaced);
}

bool RollupReader::MayStandIn(TimestampMs start, const storage::RollupHint& hint) const {
  const auto policy = retention_->Copy();
  if (policy->rollups.five_minutes_ms == 0 && policy->rollups.one_hour_ms == 0) return false;
  if (MayHelp(SamplesOf(storage::kDefaultRetentionClass, *policy), start, hint)) return true;
  return std::any_of(policy->classes.begin(), policy->classes.end(), [&](const auto& one) {
    return MayHelp(SamplesOf(static_cast<uint16_t>(one.id), *policy), start, hint);
  });
}

Result<std::vector<RollupPiece>> RollupReader::Plan(uint16_t retention_class, TimestampMs start,
                                                    TimestampMs end,
                                                    const storage::RollupHint& hint) const {
  using Pieces = std::vector<RollupPiece>;
  const auto policy = retention_->Copy();
  if (policy->rollups.five_minutes_ms == 0 && policy->rollups.one_hour_ms == 0) return Pieces();
  const int64_t kept = policy->RetentionOf(retention_class);
  // Classes that are kept for a shorter time are not rolled up; see NeedsRollup.
  if (kept != 0 && (policy->time_ms == 0 || kept < policy->time_ms)) return Pieces();
  RollupCoverage coverage = SamplesOf(retention_class, *policy);
  if (!MayHelp(coverage, start, hint)) return Pieces();
  const Result<void> complete = Complete(retention_class, *policy, &coverage);
  if (complete) return PlanRollups(coverage, start, end, hint);
  // While the database is away, what memory holds is answered; what it does not hold is an error of
  // the chunks.
  if (complete.error().kind == ErrorKind::kUnavailable) return Pieces();
  return complete.error();
}

Result<storage::RollupTable> RollupReader::Read(std::span<const storage::SeriesId> series,
                                                const RollupPiece& piece,
                                                storage::SummaryMask columns) const {
  storage::RollupTable table;
  if (series.empty()) return table;
  const std::string name =
      "rollup_" + std::to_string(piece.resolution_ms) + "_" + std::to_string(columns);
  Parameters parameters;
  parameters.Int8Array(series).Int8(piece.after).Int8(piece.until);
  TRY(WithReader([&](ReadConnection* reader) -> Result<void> {
    if (!reader->prepared.contains(name)) {
      TRY(reader->connection->Prepare(name, Sql(piece.resolution_ms, columns),
                                      options_.timeout_ms));
      reader->prepared.insert(name);
    }
    const std::vector<Rows> rows =
        TRY(reader->connection->RunPrepared({name}, parameters, options_.timeout_ms));
    AppendRows(rows.front(), columns, &table);
    return Ok();
  }));
  return table;
}

}  // namespace vigil::postgres
