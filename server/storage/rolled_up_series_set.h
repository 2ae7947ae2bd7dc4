// SPDX-License-Identifier: Apache-2.0
// The series of one selection in which roll-ups stand in for the oldest samples.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/storage/merged_series_set.h"
#include "server/storage/recent.h"
#include "server/storage/rollup_store.h"
#include "server/storage/storage.h"
#include "server/storage/tombstones.h"

namespace vigil::storage {

// Series of one retention class: roll-ups, and the samples before, between and behind them.
struct RolledUpGroup {
  std::vector<RollupPiece> pieces;
  std::vector<std::shared_ptr<const RollupTable>> tables;  // one per piece
  // One more than pieces, by time; null where one piece follows upon the other.
  std::vector<std::unique_ptr<MergedSeriesSet>> samples;
};

struct RolledUpSeries {
  static constexpr uint32_t kNone = UINT32_MAX;

  Labels labels;
  SeriesId id = 0;
  size_t group = 0;
  std::vector<uint32_t> samples;  // indexes in the group's sets
};

// Threads: as SeriesSet.
class RolledUpSeriesSet : public SeriesSet {
 public:
  // The series are sorted by labels. tombstones may be null: a bucket that has any deleted sample
  // is left out. *corrupt_chunks counts broken rows and lives as long as the set.
  RolledUpSeriesSet(const Recent& recent, SummaryMask columns, std::vector<RolledUpGroup> groups,
                    std::vector<RolledUpSeries> series,
                    std::shared_ptr<const Tombstones> tombstones,
                    std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks);

  [[nodiscard]] size_t size() const override { return series_.size(); }
  [[nodiscard]] const Labels& labels(size_t i) const override { return series_[i].labels; }
  Result<void> Read(size_t i, SampleColumns* out) const override;
  [[nodiscard]] StandIns stand_ins() const override { return StandIns::kRollups; }
  Result<void> ReadSummed(size_t i, SummaryColumns* summaries,
                          SampleColumns* samples) const override;
  // With those of roll-ups, one per column.
  [[nodiscard]] Chunks chunks() const override;
  [[nodiscard]] std::vector<std::string> warnings() const override;

 private:
  void ReadBuckets(const RolledUpSeries& series, SummaryColumns* out) const;
  // The native histograms of roll-ups, by rising time. REQUIRES: *out is empty.
  void ReadHistograms(const RolledUpSeries& series, std::vector<HistogramSample>* out) const;
  // Appends what is there as samples.
  Result<void> ReadSamples(const RolledUpSeries& series, SampleColumns* out) const;
  void Warn(const RolledUpSeries& series, const Error& error) const;

  const Recent& recent_;
  const SummaryMask columns_;
  const std::vector<RolledUpGroup> groups_;
  const std::vector<RolledUpSeries> series_;
  const std::shared_ptr<const Tombstones> tombstones_;
  const std::shared_ptr<std::atomic<uint64_t>> corrupt_chunks_;
  mutable Guarded<std::vector<std::string>> warnings_;
};

// The rows of one series.
std::span<const RollupRow> RowsOf(const RollupTable& table, SeriesId series);

}  // namespace vigil::storage
