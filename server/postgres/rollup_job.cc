// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_job.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/chunks/chunk_encoder.h"
#include "server/postgres/rollup_buckets.h"
#include "server/postgres/transaction.h"
#include "server/storage/rising.h"

namespace vigil::postgres {
namespace {

constexpr size_t kPieceBytes = 1U << 20;
constexpr size_t kSeriesPerPurge = 200;
constexpr int64_t kDayMs = 86'400'000;

struct Resolution {
  const char* name;
  int64_t width_ms;
  int64_t leaf_ms;
  int64_t RollupPolicy::*retention_ms;
};
constexpr std::array<Resolution, 2> kResolutions = {
    Resolution{"5m", kFiveMinutesMs, 7 * kDayMs, &RollupPolicy::five_minutes_ms},
    Resolution{"1h", kOneHourMs, 90 * kDayMs, &RollupPolicy::one_hour_ms}};

std::string ParentOf(const Resolution& resolution) {
  return std::string("vigil.rollup_") + resolution.name;
}

// Makes the leaves for roll-ups of [start, end).
Result<void> MakeLeaves(Connection* connection, const Resolution& resolution, TimestampMs start,
                        TimestampMs end, int64_t timeout_ms) {
  const std::string width = std::to_string(resolution.width_ms);
  for (TimestampMs from = LeafStart(start, resolution.leaf_ms); from < end;
       from += resolution.leaf_ms) {
    const std::string bounds =
        std::to_string(from) + ", " + std::to_string(from + resolution.leaf_ms);
    const Rows known =
        TRY(connection->Query("SELECT 1 FROM vigil.rollup_leaf WHERE resolution_ms = " + width +
                                  " AND min_time = " + std::to_string(from),
                              timeout_ms));
    if (known.size() > 0) continue;
    const int64_t minutes = from / 60'000;
    const std::string name = std::string("rollup_") + resolution.name + "_" +
                             (minutes < 0 ? "m" : "") + std::to_string(std::abs(minutes));
    TRY(InTransaction(connection, kShortLocks, timeout_ms, [&] {
      return connection->Execute("CREATE TABLE vigil." + name + " (LIKE " + ParentOf(resolution) +
                                     " INCLUDING ALL); ALTER TABLE " + ParentOf(resolution) +
                                     " ATTACH PARTITION vigil." + name + " FOR VALUES FROM (" +
                                     std::to_string(from) + ") TO (" +
                                     std::to_string(from + resolution.leaf_ms) +
                                     "); INSERT INTO vigil.rollup_leaf VALUES (" + width + ", " +
                                     bounds + ", '" + name + "')",
                                 timeout_ms);
    }));
  }
  return Ok();
}

// The rows of one resolution, on their way into the open transaction.
class RollupSink {
 public:
  RollupSink(const Resolution& resolution, Connection* connection, const Leaf& leaf,
             int64_t timeout_ms, RollupCounts* counts)
      : resolution_(resolution),
        connection_(connection),
        retention_class_(leaf.retention_class),
        leaf_(leaf.start),
        timeout_ms_(timeout_ms),
        counts_(*counts) {}

  Result<void> Put(storage::SeriesId series, const SampleColumns& samples) {
    buckets_.Clear();
    buckets_.Add(samples, resolution_.width_ms);
    return Write(series);
  }

  // What Write() takes.
  RollupBuckets& buckets() { return buckets_; }

  Result<void> Write(storage::SeriesId series) {
    if (buckets_.size() == 0) return Ok();
    if (copy_.empty()) AppendCopyHeader(&copy_);
    AppendRow(series);
    ++counts_.rows;
    counts_.buckets += buckets_.size();
    return copy_.size() < kPieceBytes ? Ok() : Send();
  }

  Result<void> Send() {
    if (copy_.empty()) return Ok();
    AppendCopyTrailer(&copy_);
    TRY(connection_->BeginCopyIn("COPY " + ParentOf(resolution_) +
                                     " (series_id, min_time, span_ms, n, class, leaf, count, sum, "
                                     "min, max, first, last, increase) FROM STDIN (FORMAT binary)",
                                 timeout_ms_));
    TRY(connection_->PutCopyData(copy_, timeout_ms_));
    TRY(connection_->FinishCopyIn(timeout_ms_));
    copy_.clear();
    return Ok();
  }

 private:
  void AppendRow(storage::SeriesId series) {
    AppendInt16(static_cast<int16_t>(6 + RollupBuckets::kColumns), &copy_);
    const auto int8 = [this](int64_t value) {
      AppendInt32(8, &copy_);
      AppendInt64(value, &copy_);
    };
    int8(series);
    int8(buckets_.times.front());
    int8(buckets_.times.back() - buckets_.times.front());
    AppendInt32(4, &copy_);
    AppendInt32(static_cast<int32_t>(buckets_.size()), &copy_);
    AppendInt32(2, &copy_);
    AppendInt16(static_cast<int16_t>(retention_class_), &copy_);
    int8(leaf_);
    for (const std::vector<double>& column : buckets_.values) {
      encoder_.Encode(buckets_.times, column, &chunk_);
      AppendInt32(static_cast<int32_t>(chunk_.data.size()), &copy_);
      copy_.append(chunk_.data);
      counts_.bytes += chunk_.data.size();
    }
  }

  const Resolution& resolution_;
  Connection* const connection_;
  const int32_t retention_class_;
  const TimestampMs leaf_;
  const int64_t timeout_ms_;
  RollupCounts& counts_;
  RollupBuckets buckets_;
  chunks::ChunkEncoder encoder_;
  chunks::Chunk chunk_;
  std::string copy_;  // in COPY's binary format, not yet sent
};

// `column` is that of the leaf's start.
std::string SpanOf(const LeafState& state, const std::string& column) {
  return "class = " + std::to_string(state.leaf.retention_class) + " AND " + column +
         " >= " + std::to_string(state.leaf.start) + " AND " + column + " < " +
         std::to_string(state.leaf.end);
}

// What readers get of the rows.
void Decode(std::span<const storage::ChunkRow> rows, const storage::Tombstones& tombstones,
            SampleColumns* samples, RollupCounts* counts) {
  samples->Clear();
  const storage::ColumnsMark begin(*samples);
  for (const storage::ChunkRow& row : rows) {
    const chunks::ChunkView view{row.min_time, row.max_time, row.count, row.encoding, row.data};
    if (!chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, samples)) ++counts->corrupt;
  }
  storage::MakeRising(begin, samples);
  if (!tombstones.empty()) {
    storage::EraseDeleted(tombstones.SpansOf(rows.front().series), begin, samples);
  }
}

// The last thing in the transaction.
Result<void> Record(Connection* connection, const Ownership& owner, const LeafState& state,
                    int32_t resolutions, int64_t timeout_ms) {
  TRY(HoldFence(connection, owner, timeout_ms));
  const std::string generation = std::to_string(state.leaf.generation);
  const Rows rows = TRY(connection->Query(
      "UPDATE vigil.leaf SET rolled_up = generation, resolutions = " + std::to_string(resolutions) +
          " WHERE " + SpanOf(state, "min_time") + " AND generation = " + generation +
          " AND n_chunks = " + std::to_string(state.chunks) + " RETURNING 1",
      timeout_ms));
  return rows.size() == 1 ? Ok() : Result<void>(Unavailable("the leaf changed meanwhile"));
}

// A row as it is stored, without the buckets that have deleted samples. Returns whether there were
// any.
Result<bool> ReadPurged(const Rows& rows, int row, int64_t width_ms,
                        const storage::DeletedSpan& deleted, RollupBuckets* buckets) {
  buckets->Clear();
  SampleColumns columns;
  for (size_t column = 0; column < RollupBuckets::kColumns; ++column) {
    const std::string_view data = rows.Bytes(row, static_cast<int>(column) + 6);
    if (data.size() < 5) return BadData("a roll-up is cut short");
    const TimestampMs begin = rows.Int(row, 1);
    columns.Clear();
    TRY(chunks::DecodeChunk({begin, begin + rows.Int(row, 2),
                             static_cast<uint32_t>(rows.Int(row, 3)), EncodingOf(data), data},
                            INT64_MIN, INT64_MAX, &columns));
    buckets->values[column] = columns.values;
  }
  buckets->times = columns.timestamps;
  size_t kept = 0;
  for (size_t k = 0; k < buckets->size(); ++k) {
    const TimestampMs begin = buckets->times[k];
    if (deleted.from <= begin + width_ms && deleted.to > begin) continue;
    buckets->times[kept] = begin;
    for (std::vector<double>& column : buckets->values) column[kept] = column[k];
    ++kept;
  }
  const bool any = kept < buckets->size();
  buckets->times.resize(kept);
  for (std::vector<double>& column : buckets->values) column.resize(kept);
  return any;
}

Result<void> PurgeResolution(Connection* connection, const Resolution& resolution,
                             std::span<const storage::SeriesId> series,
                             const storage::DeletedSpan& deleted, int64_t timeout_ms) {
  Parameters parameters;
  parameters.Int8Array(series).Int8(deleted.from).Int8(deleted.to);
  const Rows rows = TRY(connection->Query(
      "SELECT series_id, min_time, span_ms, n, class, coalesce(leaf, min_time), count, sum, min, "
      "max, first, last, increase FROM " +
          ParentOf(resolution) +
          " WHERE series_id = ANY ($1::int8[]) AND min_time < $3::int8 AND min_time + span_ms + " +
          std::to_string(resolution.width_ms) + " >= $2::int8",
      parameters, timeout_ms));
  RollupCounts counts;
  for (int row = 0; row < rows.size(); ++row) {
    Leaf leaf;
    leaf.retention_class = static_cast<int32_t>(rows.Int(row, 4));
    leaf.start = rows.Int(row, 5);
    RollupSink sink(resolution, connection, leaf, timeout_ms, &counts);
    if (!TRY(ReadPurged(rows, row, resolution.width_ms, deleted, &sink.buckets()))) continue;
    TRY(connection->Execute("DELETE FROM " + ParentOf(resolution) +
                                " WHERE series_id = " + std::to_string(rows.Int(row, 0)) +
                                " AND min_time = " + std::to_string(rows.Int(row, 1)) +
                                " AND class = " + std::to_string(leaf.retention_class) +
                                " AND coalesce(leaf, min_time) = " + std::to_string(leaf.start),
                            timeout_ms));
    TRY(sink.Write(rows.Int(row, 0)));
    TRY(sink.Send());
  }
  return Ok();
}

}  // namespace

Result<void> PurgeRollups(Connection* connection, const Ownership& owner,
                          const storage::Tombstone& tombstone, int64_t timeout_ms) {
  const std::span<const storage::SeriesId> all = tombstone.series;
  for (size_t from = 0; from < all.size(); from += kSeriesPerPurge) {
    const auto some = all.subspan(from, std::min(kSeriesPerPurge, all.size() - from));
    TRY(InTransaction(connection, "", timeout_ms, [&]() -> Result<void> {
      for (const Resolution& resolution : kResolutions) {
        TRY(PurgeResolution(connection, resolution, some, tombstone.span, timeout_ms));
      }
      return HoldFence(connection, owner, timeout_ms);
    }));
  }
  return Ok();
}

bool NeedsRollup(const LeafState& state, const RetentionPolicy& policy) {
  if (policy.rollups.five_minutes_ms == 0 && policy.rollups.one_hour_ms == 0) return false;
  const int64_t kept = policy.RetentionOf(state.leaf.retention_class);
  const bool long_lived = kept == 0 || (policy.time_ms != 0 && kept >= policy.time_ms);
  return long_lived && state.merged_at > 0 && state.chunks == state.merged_chunks &&
         (state.rolled_up != state.leaf.generation ||
          (policy.rollups.Resolutions() & ~state.resolutions) != 0);
}

Result<RollupCounts> RollUpLeaf(const LeafReadOptions& options, const Ownership& owner,
                                const LeafState& state, const RollupPolicy& policy,
                                const storage::Tombstones& tombstones, const Clock& clock,
                                const std::stop_token& stop) {
  const int64_t timeout_ms = options.timeout_ms;
  LeafReader reader(options, {state.leaf}, clock);
  TRY(reader.Open());
  const auto writer =
      TRY(Connection::Open(options.conninfo, "vigil-rollup", kWriterSession, kConnectTimeoutMs));
  RollupCounts counts;
  std::vector<RollupSink> sinks;
  std::string forget;
  for (const Resolution& resolution : kResolutions) {
    if (policy.*resolution.retention_ms == 0) continue;
    // A sample on the start of the leaf is in the bucket before.
    TRY(MakeLeaves(writer.get(), resolution, state.leaf.start - resolution.width_ms, state.leaf.end,
                   timeout_ms));
    sinks.emplace_back(resolution, writer.get(), state.leaf, timeout_ms, &counts);
    // The span of times picks the partitions.
    forget += "DELETE FROM " + ParentOf(resolution) + " WHERE " + SpanOf(state, "leaf") +
              " AND min_time BETWEEN " + std::to_string(state.leaf.start - resolution.width_ms) +
              " AND " + std::to_string(state.leaf.end) + ";";
  }
  SampleColumns samples;
  TRY(InTransaction(writer.get(), "", timeout_ms, [&]() -> Result<void> {
    // Also of a leaf that was dropped and came back with old samples.
    if (!forget.empty()) TRY(writer->Execute(forget, timeout_ms));
    TRY(reader.ForEachSeries(stop, [&](std::span<const storage::ChunkRow> rows) -> Result<void> {
      Decode(rows, tombstones, &samples, &counts);
      for (RollupSink& sink : sinks) TRY(sink.Put(rows.front().series, samples));
      return Ok();
    }));
    for (RollupSink& sink : sinks) TRY(sink.Send());
    return Record(writer.get(), owner, state, policy.Resolutions(), timeout_ms);
  }));
  return counts;
}

Result<uint64_t> DropExpiredRollups(Connection* connection, const Ownership& owner,
                                    const RollupPolicy& policy, TimestampMs now,
                                    int64_t timeout_ms) {
  uint64_t dropped = 0;
  for (const Resolution& resolution : kResolutions) {
    const int64_t retention = policy.*resolution.retention_ms;
    if (retention == 0) continue;
    const std::string expired =
        " FROM vigil.rollup_leaf WHERE resolution_ms = " + std::to_string(resolution.width_ms) +
        " AND end_time <= " + std::to_string(now - retention);
    TRY(InTransaction(connection, kShortLocks, timeout_ms, [&]() -> Result<void> {
      TRY(HoldFence(connection, owner, timeout_ms));
      const Rows rows = TRY(connection->Query("SELECT quote_ident(rel)" + expired, timeout_ms));
      for (int row = 0; row < rows.size(); ++row) {
        const std::string table = "vigil." + std::string(rows.Bytes(row, 0));
        TRY(connection->Execute("ALTER TABLE " + ParentOf(resolution) + " DETACH PARTITION " +
                                    table + "; DROP TABLE " + table,
                                timeout_ms));
      }
      dropped += static_cast<uint64_t>(rows.size());
      return rows.size() == 0 ? Ok() : connection->Execute("DELETE" + expired, timeout_ms);
    }));
  }
  return dropped;
}

}  // namespace vigil::postgres
