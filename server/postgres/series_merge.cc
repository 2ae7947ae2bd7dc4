// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/series_merge.h"

#include <algorithm>

#include "server/storage/rising.h"

namespace vigil::postgres {
namespace {

// What is larger is cut into pieces of about kMergedPieceBytes: one row per page would leave up to
// half of the page empty, where several of different sizes fill it.
constexpr size_t kMostRowBytes = 2'600;
constexpr size_t kMergedPieceBytes = 2'000;

// Of equal length, so that no chunk of a few samples is left over.
size_t PieceLength(size_t total) {
  const size_t pieces = (total + chunks::kMaxChunkSamples - 1) / chunks::kMaxChunkSamples;
  return (total + pieces - 1) / pieces;
}

// Nothing of the row is left.
bool Covers(const std::vector<storage::DeletedSpan>& deleted, const storage::ChunkRow& row) {
  return std::any_of(deleted.begin(), deleted.end(), [&row](const storage::DeletedSpan& span) {
    return span.from <= row.min_time && span.to >= row.max_time;
  });
}

bool Touches(const std::vector<storage::DeletedSpan>& deleted, const storage::ChunkRow& row) {
  return std::any_of(deleted.begin(), deleted.end(), [&row](const storage::DeletedSpan& span) {
    return span.from <= row.max_time && span.to >= row.min_time;
  });
}

// A flush packed it fast. What a merge packed already comes out as it was.
bool MayBeDenser(const storage::ChunkRow& row) {
  return row.encoding >> 8 == static_cast<uint32_t>(chunks::ValueEncoding::kBlocks);
}

chunks::ChunkView ViewOf(const storage::ChunkRow& row) {
  return {row.min_time, row.max_time, row.count, row.encoding, row.data};
}

}  // namespace

Result<void> SeriesMerge::Give(const storage::ChunkRow& row) {
  ++counts_.rows_out;
  counts_.bytes_out += row.data.size();
  counts_.samples_out += row.count;
  counts_.newest = std::max(counts_.newest, row.max_time);
  return emit_(row);
}

Result<void> SeriesMerge::GiveChunk(const storage::ChunkRow& like) {
  storage::ChunkRow row = like;
  row.min_time = chunk_.min_time;
  row.max_time = chunk_.max_time;
  row.count = chunk_.count;
  row.encoding = chunk_.encoding;
  row.data = chunk_.data;
  return Give(row);
}

Result<void> SeriesMerge::GiveFloats(const storage::ChunkRow& like) {
  if (columns_.empty()) return Ok();
  const size_t most = PieceLength(columns_.size());
  EncodeFloats(0, most);
  const size_t bytes = chunk_.data.size();
  const size_t parts =
      bytes > kMostRowBytes ? (bytes + kMergedPieceBytes - 1) / kMergedPieceBytes : 1;
  const size_t length = (most + parts - 1) / parts;
  for (size_t at = 0; at < columns_.size(); at += length) {
    if (at > 0 || length < most) EncodeFloats(at, std::min(length, columns_.size() - at));
    TRY(GiveChunk(like));
  }
  return Ok();
}

void SeriesMerge::EncodeFloats(size_t from, size_t count) {
  encoder_.Encode(std::span(columns_.timestamps).subspan(from, count),
                  std::span(columns_.values).subspan(from, count), &chunk_);
}

Result<void> SeriesMerge::GiveHistograms(const storage::ChunkRow& like) {
  const std::span<const HistogramSample> all = columns_.histograms;
  if (all.empty()) return Ok();
  const size_t length = PieceLength(all.size());
  for (size_t at = 0; at < all.size(); at += length) {
    chunks::EncodeHistogramChunk(all.subspan(at, std::min(length, all.size() - at)), &chunk_);
    TRY(GiveChunk(like));
  }
  return Ok();
}

Result<void> SeriesMerge::Merge(std::span<const storage::ChunkRow> rows,
                                const std::vector<storage::DeletedSpan>& deleted) {
  columns_.Clear();
  const storage::ColumnsMark begin(columns_);
  for (const storage::ChunkRow& row : rows) {
    ++counts_.rows_in;
    counts_.bytes_in += row.data.size();
    if (Covers(deleted, row)) continue;
    const bool touched = Touches(deleted, row);
    if (row.max_time >= leaf_end_) {
      if (touched) ++counts_.unpurged;
      TRY(Give(row));
      continue;
    }
    if (rows.size() == 1 && !touched && !MayBeDenser(row)) return Give(row);
    if (chunks::DecodeChunk(ViewOf(row), INT64_MIN, INT64_MAX, &columns_)) continue;
    ++counts_.corrupt;
    TRY(Give(row));
  }
  storage::MakeRising(begin, &columns_);
  storage::EraseDeleted(deleted, begin, &columns_);
  if (rows.empty()) return Ok();
  TRY(GiveFloats(rows.front()));
  return GiveHistograms(rows.front());
}

}  // namespace vigil::postgres
