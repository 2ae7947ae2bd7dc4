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

void AppendRow(const storage::ChunkRow& row, std::string* out) {
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
  AppendInt16(static_cast<int16_t>(kDefaultClass), out);
  AppendInt32(static_cast<int32_t>(row.data.size()), out);
  out->append(row.data);
}

}  // namespace

ChunkFlush::ChunkFlush(Connection* connection, std::function<Result<Leaf>(TimestampMs)> leaf_for,
                       int64_t timeout_ms)
    : connection_(connection), leaf_for_(std::move(leaf_for)), timeout_ms_(timeout_ms) {}

Result<ChunkFlush::Pending*> ChunkFlush::PendingFor(TimestampMs time) {
  auto after = pending_.upper_bound(time);
  if (after != pending_.begin()) {
    Pending& before = std::prev(after)->second;
    if (time < before.leaf.end) return &before;
  }
  Leaf leaf = TRY(leaf_for_(time));
  const TimestampMs start = leaf.start;
  Pending& added = pending_[start];
  added.leaf = std::move(leaf);
  return &added;
}

Result<void> ChunkFlush::Add(const storage::ChunkRow& row) {
  if (current_ == nullptr || row.min_time < current_->leaf.start ||
      row.min_time >= current_->leaf.end) {
    current_ = TRY(PendingFor(row.min_time));
  }
  const size_t before = current_->copy.size();
  if (before == 0) AppendCopyHeader(&current_->copy);
  AppendRow(row, &current_->copy);
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
  TRY(connection_->BeginCopyIn("COPY " + pending->leaf.table +
                                   " (series_id, min_time, span_ms, n, encoding, class, data) "
                                   "FROM STDIN (FORMAT binary)",
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
  for (auto& [start, pending] : pending_) {
    TRY(Write(&pending));
    changed(pending.leaf.table, pending.leaf.newest);
    Parameters parameters;
    parameters.Int8(pending.leaf.newest)
        .Int8(static_cast<int64_t>(pending.rows))
        .Int8(static_cast<int64_t>(pending.samples))
        .Int4(kDefaultClass)
        .Int8(start);
    TRY(connection_->Query(
        "UPDATE vigil.leaf SET newest = greatest(newest, $1), n_chunks = n_chunks + $2, "
        "n_samples = n_samples + $3 WHERE class = $4 AND min_time = $5",
        parameters, timeout_ms_));
  }
  return Ok();
}

}  // namespace vigil::postgres
