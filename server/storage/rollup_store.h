// SPDX-License-Identifier: Apache-2.0
// What the store needs of a table of roll-ups. Implemented by server/postgres; tests use a fake.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "server/storage/backend.h"
#include "server/storage/summaries.h"

namespace vigil::storage {

// Roll-ups of one resolution stand in for the samples of (after, until], of which those behind
// exact_after are still there; all three are multiples of the resolution.
struct RollupPiece {
  int64_t resolution_ms = 0;
  TimestampMs after = 0;
  TimestampMs until = 0;
  TimestampMs exact_after = 0;
};

// Buckets of one series, each wanted column as a chunk (server/chunks/chunk.h) whose times are the
// starts of the buckets. Rows may share their first and last bucket with others: such buckets are
// parts of one, the earlier samples in the row that comes first. A row has either the columns or
// native histograms, the last one of each bucket.
struct RollupRow {
  SeriesId series = 0;
  std::array<ChunkRow, kSummaryColumns> columns;  // count is 0 where the column was not asked for
  // Bit k % 8 of byte k / 8: whether bucket k has a sample on its very end; empty: not known.
  std::string_view on_end;
  ChunkRow histograms;  // count is 0 without any
};

// Ordered by series, then time. Data points into arena.
struct RollupTable {
  std::vector<RollupRow> rows;
  std::vector<std::string> arena;
};

// Threads: any.
class RollupStore {
 public:
  virtual ~RollupStore() = default;

  // False when Plan() gives nothing whatever the class. Cheap, without the database.
  [[nodiscard]] virtual bool MayStandIn(TimestampMs start, const RollupHint& hint) const = 0;

  // Where roll-ups stand in for samples of a retention class in [start, end]: pieces by rising
  // time; all samples between and behind them are still there (before the first one, too, when it
  // begins behind `start`). Where samples are gone the first piece begins before `start`. Empty:
  // there are samples only.
  virtual Result<std::vector<RollupPiece>> Plan(uint16_t retention_class, TimestampMs start,
                                                TimestampMs end, const RollupHint& hint) const = 0;

  // The rows of the series (ids sorted) with buckets of the piece.
  virtual Result<RollupTable> Read(std::span<const SeriesId> series, const RollupPiece& piece,
                                   SummaryMask columns) const = 0;
};

}  // namespace vigil::storage
