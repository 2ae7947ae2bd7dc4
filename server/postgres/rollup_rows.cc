// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_rows.h"

#include <string_view>

#include "server/chunks/chunk.h"

namespace vigil::postgres {
namespace {

constexpr size_t kRollupPieceBytes = 1U << 20;
constexpr int kStoredFixedColumns = 7;  // of a stored row, in front of those of buckets

void AppendInt8Field(int64_t value, std::string* out) {
  AppendInt32(8, out);
  AppendInt64(value, out);
}

chunks::ChunkView StoredView(const Rows& rows, int row, std::string_view data) {
  const TimestampMs begin = rows.Int(row, 1);
  return {begin, begin + rows.Int(row, 2), static_cast<uint32_t>(rows.Int(row, 3)),
          EncodingOf(data), data};
}

}  // namespace

std::string ParentOf(const Resolution& resolution) {
  return std::string("vigil.rollup_") + resolution.name;
}

std::string SelectStored(const Resolution& resolution) {
  std::string sql =
      "SELECT r.series_id, r.min_time, r.span_ms, r.n, r.class, coalesce(r.leaf, r.min_time), "
      "coalesce(r.on_end, ''), r.count, r.sum, r.min, r.max, r.first, r.last, r.increase, "
      "r.histograms FROM ";
  sql += ParentOf(resolution);
  return sql += " r";
}

Result<void> ReadStored(const Rows& rows, int row, StoredRollup* stored) {
  stored->series = rows.Int(row, 0);
  stored->min_time = rows.Int(row, 1);
  stored->retention_class = static_cast<int32_t>(rows.Int(row, 4));
  stored->leaf = rows.Int(row, 5);
  RollupBuckets& buckets = stored->buckets;
  buckets.Clear();
  buckets.on_end = rows.Bytes(row, 6);
  SampleColumns columns;
  const int histograms = kStoredFixedColumns + RollupBuckets::kColumns;
  stored->of_histograms = !rows.IsNull(row, histograms);
  if (stored->of_histograms) {
    TRY(chunks::DecodeChunk(StoredView(rows, row, rows.Bytes(row, histograms)), INT64_MIN,
                            INT64_MAX, &columns));
    buckets.histograms = std::move(columns.histograms);
    return Ok();
  }
  for (size_t column = 0; column < RollupBuckets::kColumns; ++column) {
    const std::string_view data = rows.Bytes(row, kStoredFixedColumns + static_cast<int>(column));
    if (data.size() < 5) return BadData("a roll-up is cut short");
    columns.Clear();
    TRY(chunks::DecodeChunk(StoredView(rows, row, data), INT64_MIN, INT64_MAX, &columns));
    buckets.values[column] = columns.values;
  }
  buckets.times = columns.timestamps;
  if (buckets.on_end.size() * 8 < buckets.size()) buckets.on_end.clear();
  return Ok();
}

std::string KeyOf(const StoredRollup& stored) {
  return "series_id = " + std::to_string(stored.series) +
         " AND min_time = " + std::to_string(stored.min_time) +
         " AND class = " + std::to_string(stored.retention_class) +
         " AND coalesce(leaf, min_time) = " + std::to_string(stored.leaf) + " AND histograms IS " +
         (stored.of_histograms ? "NOT NULL" : "NULL");
}

Result<void> RollupSink::Write(const StoredRollup& rollup) {
  if (copy_.empty()) AppendCopyHeader(&copy_);
  if (rollup.buckets.size() > 0) AppendRow(rollup, false);
  if (!rollup.buckets.histograms.empty()) AppendRow(rollup, true);
  return copy_.size() < kRollupPieceBytes ? Ok() : Send();
}

Result<void> RollupSink::Send() {
  if (copy_.empty()) return Ok();
  AppendCopyTrailer(&copy_);
  TRY(connection_->BeginCopyIn("COPY " + ParentOf(resolution_) +
                                   " (series_id, min_time, span_ms, n, class, leaf, on_end, count, "
                                   "sum, min, max, first, last, increase, histograms) FROM STDIN "
                                   "(FORMAT binary)",
                               timeout_ms_));
  TRY(connection_->PutCopyData(copy_, timeout_ms_));
  TRY(connection_->FinishCopyIn(timeout_ms_));
  copy_.clear();
  return Ok();
}

void RollupSink::AppendBytes(std::string_view bytes) {
  AppendInt32(static_cast<int32_t>(bytes.size()), &copy_);
  copy_.append(bytes);
}

void RollupSink::AppendRow(const StoredRollup& rollup, bool histograms) {
  const RollupBuckets& buckets = rollup.buckets;
  const size_t n = histograms ? buckets.histograms.size() : buckets.size();
  const TimestampMs begin =
      histograms ? buckets.histograms.front().timestamp : buckets.times.front();
  const TimestampMs end = histograms ? buckets.histograms.back().timestamp : buckets.times.back();
  AppendInt16(static_cast<int16_t>(kStoredFixedColumns + RollupBuckets::kColumns + 1), &copy_);
  AppendInt8Field(rollup.series, &copy_);
  AppendInt8Field(begin, &copy_);
  AppendInt8Field(end - begin, &copy_);
  AppendInt32(4, &copy_);
  AppendInt32(static_cast<int32_t>(n), &copy_);
  AppendInt32(2, &copy_);
  AppendInt16(static_cast<int16_t>(rollup.retention_class), &copy_);
  AppendInt8Field(rollup.leaf, &copy_);
  if (histograms || buckets.on_end.empty()) {
    AppendInt32(-1, &copy_);
  } else {
    AppendBytes(buckets.on_end);
  }
  ++counts_.rows;
  counts_.buckets += n;
  if (!histograms) {
    AppendColumns(buckets);
    AppendInt32(-1, &copy_);
    return;
  }
  for (size_t column = 0; column < RollupBuckets::kColumns; ++column) AppendBytes({});
  encoder_.EncodeHistograms(buckets.histograms, &chunk_);
  AppendBytes(chunk_.data);
  counts_.bytes += chunk_.data.size();
}

void RollupSink::AppendColumns(const RollupBuckets& buckets) {
  for (const std::vector<double>& column : buckets.values) {
    encoder_.Encode(buckets.times, column, &chunk_);
    AppendBytes(chunk_.data);
    counts_.bytes += chunk_.data.size();
  }
}

}  // namespace vigil::postgres
