// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/chunk_flush.h"

#include <algorithm>
#include <utility>

namespace vigil::postgres {
namespace {

constexpr size_t kPieceBytes = 256U << 10;
// All leaves together; then the fullest is written. Small for a flush into one leaf, so that the
// database works while the encoder does.
constexpr size_t kLeafBytes = 1U << 20;
constexpr size_t kBufferedBytes = 8U << 20;

}  // namespace

void AppendChunkRow(const storage::ChunkRow& row, std::string* out) {
  AppendInt16(7, out);
  AppendInt32(8, out);
  AppendInt64(row.series, out);
  AppendInt32(8, out);
  AppendInt64(row.min_time, out);
  AppendInt32(8, out);
  AppendInt64(row.max_time - row.min_time, out);
  AppendInt32(4, out);
  AppendInt32(static_cast<int32_t>(row.count), out);
  AppendInt32(2, out);
  AppendInt16(static_cast<int16_t>(row.encoding), out);
  AppendInt32(2, out);
  AppendInt16(static_cast<int16_t>(row.retention_class), out);
  AppendInt32(static_cast<int32_t>(row.data.size()), out);
  out->append(row.data);
}

ChunkFlush::ChunkFlush(Connection* connection, LeafFor leaf_for, int64_t timeout_ms)
    : connection_(connection), leaf_for_(std::move(leaf_for)), timeout_ms_(timeout_ms) {}

Result<ChunkFlush::Pending*> ChunkFlush::PendingFor(int32_t retention_class, TimestampMs time) {
  auto after = pending_.upper_bound(Key(retention_class, time));
  if (after != pending_.begin()) {
    const Leaf& leaf = std::prev(after)->second.leaf;
    if (leaf.retention_class == retention_class && time < leaf.end)
      return &std::prev(after)->second;
  }
  Leaf leaf = TRY(leaf_for_(retention_class, time));
  Pending& added = pending_[Key(retention_class, leaf.start)];
  added.leaf = std::move(leaf);
  return &added;
}

Result<void> ChunkFlush::Add(const storage::ChunkRow& row) {
  if (current_ == nullptr || row.retention_class != current_->leaf.retention_class ||
      row.min_time < current_->leaf.start || row.min_time >= current_->leaf.end) {
    current_ = TRY(PendingFor(row.retention_class, row.min_time));
  }
  const size_t before = current_->copy.size();
  if (before == 0) AppendCopyHeader(&current_->copy);
  AppendChunkRow(row, &current_->copy);
  buffered_ += current_->copy.size() - before;
  current_->leaf.newest = std::max(current_->leaf.newest, row.max_time);
  ++current_->rows;
  current_->samples += row.count;
  ++rows_;
  bytes_ += row.data.size();
  if (current_->copy.size() >= kLeafBytes) return Write(current_);
  return buffered_ >= kBufferedBytes ? WriteLargest() : Ok();
}

Result<void> ChunkFlush::WriteLargest() {
  auto largest = std::max_element(
      pending_.begin(), pending_.end(),
      [](const auto& a, const auto& b) { return a.second.copy.size() < b.second.copy.size(); });
  return Write(&largest->second);
}

Result<void> ChunkFlush::Write(Pending* pending) {
  if (pending->copy.empty()) return Ok();
  TRY(connection_->BeginCopyIn(
      "COPY " + pending->leaf.table + " (" + kChunkColumns + ") FROM STDIN (FORMAT binary)",
      timeout_ms_));
  buffered_ -= pending->copy.size();
  AppendCopyTrailer(&pending->copy);
  const std::string_view all = pending->copy;
  for (size_t at = 0; at < all.size(); at += kPieceBytes) {
    TRY(connection_->PutCopyData(all.substr(at, kPieceBytes), timeout_ms_));
  }
  TRY(connection_->FinishCopyIn(timeout_ms_));
  pending->copy.clear();
  return Ok();
}

Result<void> ChunkFlush::Finish(
    const std::function<void(const std::string&, TimestampMs)>& changed) {
  for (auto& [key, pending] : pending_) {
    TRY(Write(&pending));
    changed(pending.leaf.table, pending.leaf.newest);
    Parameters parameters;
    parameters.Int8(pending.leaf.newest)
        .Int8(static_cast<int64_t>(pending.rows))
        .Int8(static_cast<int64_t>(pending.samples))
        .Int4(key.first)
        .Int8(pending.leaf.start)
        .Text(pending.leaf.table);
    // Rows in a table that compaction has replaced would go with it.
    const Rows updated = TRY(connection_->Query(
        "UPDATE vigil.leaf SET newest = greatest(newest, $1), n_chunks = n_chunks + $2, "
        "n_samples = n_samples + $3, purged = 0 WHERE class = $4 AND min_time = $5 "
        "AND 'vigil.' || quote_ident(rel) = $6 RETURNING 1",
        parameters, timeout_ms_));
    if (updated.size() != 1) {
      return Unavailable("the chunk table " + pending.leaf.table +
                         " was replaced while it was written; nothing was committed, the next "
                         "attempt writes to its successor");
    }
  }
  return Ok();
}

}  // namespace vigil::postgres
