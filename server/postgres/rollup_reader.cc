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

// In the order of storage::SummaryColumn.
constexpr std::array<const char*, storage::kSummaryColumns> kNames = {
    "count", "sum", "min", "max", "first", "last", "increase"};

TimestampMs Floor(TimestampMs time, int64_t width) {
  const int64_t into = time % width;
  return time - (into < 0 ? into + width : into);
}
TimestampMs Ceil(TimestampMs time, int64_t width) { return Floor(time + width - 1, width); }

// Where the samples are gone, up to `until`.
std::vector<RollupPiece> WhereSamplesAreGone(const RollupCoverage& coverage, TimestampMs start,
                                             TimestampMs until, const storage::RollupHint& hint) {
  const bool fine = coverage.oldest_5m != INT64_MAX;
  const bool coarse = coverage.oldest_1h != INT64_MAX && hint.max_resolution_ms >= kOneHourMs;
  // One bucket more: a look back may want it, and increases count from it.
  const TimestampMs after = Floor(start - 1, kOneHourMs) - kOneHourMs;
  if (after >= until || (!fine && !coarse)) return {};
  if (!coarse) return {{kFiveMinutesMs, after, until}};
  if (!fine) return {{kOneHourMs, after, until}};
  const bool hourly = hint.exact_resolution_ms == kOneHourMs;
  const TimestampMs oldest = Ceil(hourly ? coverage.oldest_1h : coverage.oldest_5m, kOneHourMs);
  const TimestampMs turn = std::clamp(oldest, after, until);
  std::vector<RollupPiece> pieces;
  const std::array<int64_t, 2> widths = {hourly ? kFiveMinutesMs : kOneHourMs,
                                         hourly ? kOneHourMs : kFiveMinutesMs};
  if (after < turn) pieces.push_back({widths[0], after, turn});
  if (turn < until) pieces.push_back({widths[1], turn, until});
  return pieces;
}

std::string Sql(int64_t resolution_ms, storage::SummaryMask columns) {
  std::string sql = "SELECT series_id, min_time, span_ms, n";
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
    for (int column = 0; column < wanted; ++column) bytes += rows.Bytes(row, 4 + column).size();
  }
  std::string& arena = table->arena.emplace_back();
  arena.reserve(bytes);
  table->rows.reserve(static_cast<size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    storage::RollupRow& out = table->rows.emplace_back();
    out.series = rows.Int(row, 0);
    int next = 4;
    for (size_t column = 0; column < kNames.size(); ++column) {
      if (!Has(columns, static_cast<storage::SummaryColumn>(column))) continue;
      const std::string_view data = rows.Bytes(row, next++);
      const char* const at = arena.data() + arena.size();
      arena.append(data);
      storage::ChunkRow& chunk = out.columns[column];
      chunk.series = out.series;
      chunk.min_time = rows.Int(row, 1);
      chunk.max_time = chunk.min_time + rows.Int(row, 2);
      chunk.count = static_cast<uint32_t>(rows.Int(row, 3));
      chunk.encoding = EncodingOf(data);
      chunk.data = {at, data.size()};
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
  std::vector<RollupPiece> pieces;
  if (start < gone_until) pieces = WhereSamplesAreGone(coverage, start, gone_until, hint);

  int64_t width = hint.exact_resolution_ms;
  // What fits the wider ones fits these.
  if (width == kOneHourMs && coverage.oldest_1h == INT64_MAX) width = kFiveMinutesMs;
  const TimestampMs oldest = width == kOneHourMs       ? coverage.oldest_1h
                             : width == kFiveMinutesMs ? coverage.oldest_5m
                                                       : INT64_MAX;
  if (oldest == INT64_MAX) return pieces;
  const TimestampMs until =
      Floor(std::min({hint.exact_until, coverage.rolled_up_until - 1,
                      hint.any_age ? INT64_MAX : coverage.replace_until, last}),
            width);
  TimestampMs after = Ceil(std::max({hint.exact_after, oldest, coverage.samples_from}), width);
  if (!pieces.empty()) after = pieces.back().until;
  if (until <= after) return pieces;
  if (!pieces.empty() && pieces.back().resolution_ms == width) {
    pieces.back().until = until;
  } else {
    pieces.push_back({width, after, until});
  }
  return pieces;
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
  for (const Leaf& leaf : leaves_->All()) {
    // Of any class: the class of a series may have been another one when it was flushed.
    if (leaf.newest < cutoff) continue;
    coverage.samples_from = std::min(coverage.samples_from, leaf.start);
  }
  coverage.samples_from = std::max(coverage.samples_from, cutoff);
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
  const std::string sql =
      "SELECT (SELECT min(min_time) FROM vigil.leaf" + kept +
      " AND (rolled_up <> generation OR n_chunks <> merged_chunks OR resolutions & " + wanted +
      " <> " + wanted +
      ")), (SELECT max(end_time) FROM "
      "vigil.leaf" +
      kept + ")" + oldest_of(kFiveMinutesMs) + oldest_of(kOneHourMs);
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
    return Ok();
  });
}

bool RollupReader::MayHelp(const RollupCoverage& coverage, TimestampMs start,
                           const storage::RollupHint& hint) {
  const TimestampMs replaced =
      hint.any_age ? hint.exact_until : std::min(hint.exact_until, coverage.replace_until);
  return start < coverage.samples_from ||
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
