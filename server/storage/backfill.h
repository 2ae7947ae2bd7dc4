// SPDX-License-Identifier: Apache-2.0
// Takes histories: samples of any time, for servers that allow it (--storage.allow-backfill).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/storage/backend.h"
#include "server/storage/recent.h"
#include "server/storage/storage.h"

namespace vigil::storage {

struct BackfillOptions {
  // Samples further from the clock than this go straight to chunks, all others to the store. Below
  // the store's own bounds, so that it takes what it is given.
  int64_t behind_ms = 55 * 60 * 1000;
  int64_t ahead_ms = 9 * 60 * 1000;
};

// Counters. Threads: any.
struct BackfillStats {
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> chunks{0};
  std::atomic<uint64_t> failures{0};
};

// Stands in front of the store. The old samples of a batch are sorted by series, encoded, and
// written in one transaction before Append() returns: they are durable and queries see them.
// Histories may come in any order, and twice: of samples of a series with one time, readers take
// the one of the chunk that begins first. Within a batch two values at one time are a duplicate.
// Old native histograms are not taken here: the store judges them.
// Threads: any.
class Backfill : public Appender {
 public:
  // Encodes the samples of one series, timestamps strictly rising, into *row; row->data is a view
  // of *data. (Codecs are in another room.)
  using Encoder =
      std::function<void(std::span<const TimestampMs> times, std::span<const double> values,
                         ChunkRow* row, std::string* data)>;

  // All must outlive this object. recent is the store's.
  Backfill(Appender& store, Recent& recent, ChunkStore& chunks, const Clock& clock, Encoder encode,
           BackfillOptions options = {});

  Result<SeriesRef> Resolve(const Labels& labels) override;
  Result<AppendOutcome> Append(const SampleBatch& batch, AppendMode mode) override;
  void AppendExemplars(const ExemplarBatch& batch) override { store_.AppendExemplars(batch); }
  void PutMetadata(std::span<const MetricMetadata> rows) override { store_.PutMetadata(rows); }
  Result<void> WaitDurable(JournalPosition position, int64_t timeout_ms) override;

  [[nodiscard]] const BackfillStats& stats() const { return stats_; }

 private:
  Result<void> Write(const SampleBatch& batch, const std::vector<uint32_t>& order);

  Appender& store_;
  Recent& recent_;
  ChunkStore& chunks_;
  const Clock& clock_;
  const Encoder encode_;
  const BackfillOptions options_;
  BackfillStats stats_;
};

}  // namespace vigil::storage
