// SPDX-License-Identifier: Apache-2.0
// Merges the chunks that a leaf has of one series into as few as possible.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "client-lib/base/result.h"
#include "server/chunks/chunk_encoder.h"
#include "server/storage/backend.h"
#include "server/storage/tombstones.h"

namespace vigil::postgres {

// What merging did, summed over series.
struct MergeCounts {
  uint64_t rows_in = 0;
  uint64_t rows_out = 0;
  uint64_t bytes_in = 0;  // of encoded chunks
  uint64_t bytes_out = 0;
  uint64_t samples_out = 0;
  uint64_t corrupt = 0;   // rows that could not be decoded and were carried over as they are
  uint64_t unpurged = 0;  // rows carried over though something of them is deleted
  TimestampMs newest = INT64_MIN;
};

// Threads: owner thread only.
class SeriesMerge {
 public:
  using Emit = std::function<Result<void>(const storage::ChunkRow&)>;

  // Chunks that reach beyond leaf_end are carried over as they are: their later part could not
  // begin a chunk of this leaf.
  SeriesMerge(TimestampMs leaf_end, Emit emit) : leaf_end_(leaf_end), emit_(std::move(emit)) {}

  // The rows of one series by min_time, equal ones in the order in which they were written. Gives
  // out what they amount to without the deleted spans: of samples with one timestamp the one that
  // readers take stays; what is much for a heap page in pieces of equal length. A row that cannot
  // be decoded goes through as it is.
  Result<void> Merge(std::span<const storage::ChunkRow> rows,
                     const std::vector<storage::DeletedSpan>& deleted);

  [[nodiscard]] const MergeCounts& counts() const { return counts_; }

 private:
  Result<void> Give(const storage::ChunkRow& row);
  Result<void> GiveFloats(const storage::ChunkRow& like);
  // Of columns_ into chunk_.
  void EncodeFloats(size_t from, size_t count);
  Result<void> GiveHistograms(const storage::ChunkRow& like);
  Result<void> GiveChunk(const storage::ChunkRow& like);

  const TimestampMs leaf_end_;
  const Emit emit_;
  MergeCounts counts_;
  chunks::ChunkEncoder encoder_{chunks::Packing::kDense};
  chunks::Chunk chunk_;
  SampleColumns columns_;
};

}  // namespace vigil::postgres
