// SPDX-License-Identifier: Apache-2.0
// The memory of recent samples: series, their index, their encoded samples by generation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/storage/recent.h"

namespace vigil::head {

struct HeadOptions {
  // A sample further ahead of the clock than this is out of bounds.
  int64_t max_ahead_ms = 10 * 60 * 1000;
  // A sample further behind the newest sample of the head is out of bounds: Prometheus's hour.
  // 0: no limit, histories of new series may be written.
  int64_t max_behind_ms = 60 * 60 * 1000;
  // How far behind the newest sample of the head a sample may be that is older than the newest of
  // its series; 0: such samples are not taken.
  int64_t out_of_order_window_ms = 0;
};

// Rules for samples, in this order (Prometheus's):
//   - further ahead of the clock than the options say: out of bounds;
//   - newer than the newest sample of its series, and not further behind the newest sample of the
//     head (when the batch began) than max_behind_ms: taken;
//   - as old as the newest of its series: the same bits are silently fine, another value (or a
//     histogram for a float) is a duplicate;
//   - with an out-of-order window: within the window it is taken, else it is too old. Where memory
//     has a sample with that timestamp, the same bits are silently fine and another value is a
//     duplicate: the first that was taken stays. Chunks in the database are not looked at; readers
//     get one of the two then;
//   - without: out of bounds when it is too far behind, else out of order.
// Late samples are kept beside the series' stream, join the journal like all others, and are merged
// with the rest when they are read and when a flush encodes them.
// What a series has in chunks only counts while the process lives: after a restart, a series
// without samples in the journal takes any time within the bounds, and readers merge.
// A batch is visible sample by sample, not at once.
//
// Threads: as Recent.
class Head : public storage::Recent {
 public:
  // The clock must outlive the head.
  explicit Head(const Clock& clock, HeadOptions options = {});
  ~Head() override;

  // For batches that begin from now on. Threads: any.
  void SetOutOfOrderWindow(int64_t window_ms);

  // Says of which retention class a series is.
  using Classifier = std::function<uint16_t(const Labels&)>;
  // Classifies all series anew, and new ones when they come. Threads: any, one at a time.
  void SetClassifier(Classifier classifier);

  [[nodiscard]] storage::SeriesRef Find(const Labels& labels) const override;
  storage::SeriesRef Insert(storage::SeriesId id, const Labels& labels,
                            TimestampMs stored_until) override;
  void RaiseStoredUntil(storage::SeriesRef ref, TimestampMs stored_until) override;
  [[nodiscard]] size_t series_count() const override;
  [[nodiscard]] std::vector<storage::SeriesRef> FindIds(
      std::span<const storage::SeriesId> ids) const override;
  [[nodiscard]] size_t CountIdle(std::string_view name, std::string_view value) const override;
  [[nodiscard]] size_t CountWith(std::string_view name, std::string_view value) const override;
  [[nodiscard]] const Labels& labels(storage::SeriesRef ref) const override;
  [[nodiscard]] storage::SeriesId id(storage::SeriesRef ref) const override;
  [[nodiscard]] uint16_t retention_class(storage::SeriesRef ref) const override;

  storage::AppendOutcome Append(const storage::SampleBatch& batch, storage::AppendMode mode,
                                storage::AcceptedSamples* accepted) override;
  void EncodePages(const storage::AcceptedSamples& samples,
                   std::vector<std::string>* pages) const override;

  Result<storage::ReplayedPage> Replay(std::string_view page) override;
  storage::ReplayedPage FinishReplay() override;

  void BeginGeneration() override;
  std::unique_ptr<storage::SealedChunks> Seal() override;
  void MarkFlushed() override;

  [[nodiscard]] std::vector<storage::SeriesRef> Match(
      const std::vector<Matcher>& matchers) const override;
  void SortByLabels(std::vector<storage::SeriesRef>* refs) const override;
  void DropOutside(TimestampMs start, TimestampMs end,
                   std::vector<storage::SeriesRef>* refs) const override;
  [[nodiscard]] std::unique_ptr<storage::RecentSamples> Snapshot(
      std::span<const storage::SeriesRef> refs, TimestampMs start, TimestampMs end) const override;
  Result<std::optional<storage::ChunkSums>> SumUpChunk(const storage::ChunkRow& row) const override;
  Result<void> DecodeChunk(const storage::ChunkRow& row, TimestampMs min_time, TimestampMs max_time,
                           SampleColumns* out) const override;
  [[nodiscard]] std::vector<std::string> LabelNames() const override;
  [[nodiscard]] std::vector<std::string> LabelValues(std::string_view name) const override;
  [[nodiscard]] std::vector<std::string> LabelNamesOf(
      std::span<const storage::SeriesRef> refs) const override;
  [[nodiscard]] std::vector<std::string> LabelValuesOf(
      std::string_view name, std::span<const storage::SeriesRef> refs) const override;

  [[nodiscard]] storage::RecentStats Stats() const override;
  [[nodiscard]] storage::Cardinality GetCardinality(size_t limit) const override;

 private:
  struct State;
  class Taking;

  size_t FinishReplayer();
  void SortWithinMetric(std::vector<uint32_t>* refs) const;

  const std::unique_ptr<State> state_;
};

}  // namespace vigil::head
