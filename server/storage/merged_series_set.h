// SPDX-License-Identifier: Apache-2.0
// The series of one selection: chunks from the database and samples from memory, merged when they
// are read.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/backend.h"
#include "server/storage/recent.h"
#include "server/storage/storage.h"
#include "server/storage/tombstones.h"

namespace vigil::storage {

// One series of the set.
struct MergedSeries {
  Labels labels;
  SeriesId id = 0;
  size_t recent = 0;  // index in the RecentSamples
  size_t rows = 0;    // of the chunk table: [rows, rows_end)
  size_t rows_end = 0;
};

// Threads: as SeriesSet.
class MergedSeriesSet : public SeriesSet {
 public:
  // recent_samples may be null: then there are labels only. The series are sorted by labels.
  // tombstones may be null. *corrupt_chunks counts broken chunks and lives as long as the set.
  MergedSeriesSet(const Recent& recent, TimestampMs start, TimestampMs end,
                  std::vector<MergedSeries> series, std::unique_ptr<RecentSamples> recent_samples,
                  ChunkTable chunks, std::shared_ptr<const Tombstones> tombstones,
                  std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks);

  // Before anything is read: whole chunks may be given as their summaries. Taken only when that
  // saves decoding at least half of the chunks' samples. *summed_chunks counts them and lives as
  // long as the set.
  void TakeSummaries(const WindowsHint& windows, const ChunkSummaryHint& hint,
                     std::shared_ptr<std::atomic<uint64_t>> summed_chunks);

  [[nodiscard]] SeriesId id(size_t i) const { return series_[i].id; }
  [[nodiscard]] size_t size() const override { return series_.size(); }
  [[nodiscard]] const Labels& labels(size_t i) const override { return series_[i].labels; }
  Result<void> Read(size_t i, SampleColumns* out) const override;
  [[nodiscard]] StandIns stand_ins() const override {
    return summed_chunks_ == nullptr ? StandIns::kNone : StandIns::kChunkSummaries;
  }
  Result<void> ReadSummed(size_t i, SummaryColumns* summaries,
                          SampleColumns* samples) const override;
  [[nodiscard]] Chunks chunks() const override {
    return {recent_samples_ == nullptr ? 0 : recent_samples_->chunks(), chunks_.rows.size()};
  }
  [[nodiscard]] std::vector<std::string> warnings() const override { return warnings_.Copy(); }

 private:
  void Reserve(const MergedSeries& series, SampleColumns* out) const;
  void ReadChunk(const MergedSeries& series, size_t row, SampleColumns* out) const;
  // No window cuts it and all its samples are wanted.
  [[nodiscard]] bool IsWhole(const ChunkRow& row, TimestampMs until) const;
  // False when it has to be decoded.
  bool AddSummary(const ChunkRow& row, SummaryColumns* summaries) const;
  // False when chunks or memory overlap each other, or there are histograms.
  bool TryReadSummed(const MergedSeries& series, SummaryColumns* summaries,
                     SampleColumns* samples) const;

  const Recent& recent_;
  const TimestampMs start_;
  const TimestampMs end_;
  const std::vector<MergedSeries> series_;
  const std::unique_ptr<RecentSamples> recent_samples_;
  const ChunkTable chunks_;
  const std::shared_ptr<const Tombstones> tombstones_;
  const std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks_;
  WindowsHint windows_;
  ChunkSummaryHint chunk_summaries_;
  std::shared_ptr<std::atomic<uint64_t>> summed_chunks_;  // null: no summaries
  mutable Guarded<std::vector<std::string>> warnings_;
};

}  // namespace vigil::storage
