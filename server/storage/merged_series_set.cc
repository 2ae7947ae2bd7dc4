// SPDX-License-Identifier: Apache-2.0
#include "server/storage/merged_series_set.h"

#include <algorithm>
#include <utility>

#include "server/storage/rising.h"

namespace vigil::storage {
namespace {

// A query over many broken chunks needs no sentence for each.
constexpr size_t kMaxWarnings = 10;

}  // namespace

MergedSeriesSet::MergedSeriesSet(const Recent& recent, TimestampMs start, TimestampMs end,
                                 std::vector<MergedSeries> series,
                                 std::unique_ptr<RecentSamples> recent_samples, ChunkTable chunks,
                                 std::shared_ptr<const Tombstones> tombstones,
                                 std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks)
    : recent_(recent),
      start_(start),
      end_(end),
      series_(std::move(series)),
      recent_samples_(std::move(recent_samples)),
      chunks_(std::move(chunks)),
      tombstones_(std::move(tombstones)),
      corrupt_chunks_(std::move(corrupt_chunks)) {}

void MergedSeriesSet::ReadChunks(const MergedSeries& series, SampleColumns* out) const {
  const TimestampMs until = std::min(end_, recent_samples_->StoredUntil(series.recent));
  for (size_t row = series.rows; row < series.rows_end; ++row) {
    const Result<void> read = recent_.DecodeChunk(chunks_.rows[row], start_, until, out);
    if (read.has_value()) continue;
    ++*corrupt_chunks_;
    warnings_.With([&](std::vector<std::string>& warnings) {
      if (warnings.size() >= kMaxWarnings) return;
      warnings.push_back("samples of " + series.labels.ToMetricString() +
                         " are missing: " + read.error().message);
    });
  }
}

Result<void> MergedSeriesSet::Read(size_t i, SampleColumns* out) const {
  const MergedSeries& series = series_[i];
  if (recent_samples_ == nullptr) return Ok();
  const ColumnsMark begin(*out);
  ReadChunks(series, out);
  const bool chunks = begin.Grew(*out);
  recent_samples_->Read(series.recent, out);
  // Memory alone is in order; chunks may overlap each other and, after a restart, memory.
  if (chunks) MakeRising(begin, out);
  if (tombstones_ != nullptr) EraseDeleted(tombstones_->SpansOf(series.id), begin, out);
  return Ok();
}

}  // namespace vigil::storage
