// SPDX-License-Identifier: Apache-2.0
// How roll-ups are stored: the rows of vigil.rollup_5m and vigil.rollup_1h.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "client-lib/base/result.h"
#include "server/chunks/chunk_encoder.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/retention.h"
#include "server/postgres/rollup_buckets.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

inline constexpr int64_t kRollupDayMs = 86'400'000;

struct Resolution {
  const char* name;
  int64_t width_ms;
  int64_t leaf_ms;
  int64_t RollupPolicy::*retention_ms;
  int32_t bit;  // in RollupPolicy::Resolutions()
};
inline constexpr std::array<Resolution, 2> kResolutions = {
    Resolution{"5m", kFiveMinutesMs, 7 * kRollupDayMs, &RollupPolicy::five_minutes_ms, 1},
    Resolution{"1h", kOneHourMs, 90 * kRollupDayMs, &RollupPolicy::one_hour_ms, 2}};

std::string ParentOf(const Resolution& resolution);

struct RollupCounts {
  uint64_t rows = 0;
  uint64_t buckets = 0;
  uint64_t bytes = 0;    // of encoded columns
  uint64_t corrupt = 0;  // chunks that could not be decoded and are left out
  bool thinned = false;  // LeafState::thin has changed
};

// A series has up to two rows per leaf: one of its floats, one of its native histograms.
struct StoredRollup {
  storage::SeriesId series = 0;
  TimestampMs min_time = 0;
  int32_t retention_class = 0;
  TimestampMs leaf = 0;        // where the leaf of chunks begins that it was made of
  bool of_histograms = false;  // of one that was read
  RollupBuckets buckets;
};
// "SELECT … FROM <the table> r": the columns that ReadStored() takes.
std::string SelectStored(const Resolution& resolution);
Result<void> ReadStored(const Rows& rows, int row, StoredRollup* stored);
// What picks this row.
std::string KeyOf(const StoredRollup& stored);

// The rows of one resolution, on their way into the open transaction. Keeps references.
// Threads: owner thread only.
class RollupSink {
 public:
  RollupSink(const Resolution& resolution, Connection* connection, int64_t timeout_ms,
             RollupCounts* counts)
      : resolution_(resolution),
        connection_(connection),
        timeout_ms_(timeout_ms),
        counts_(*counts) {}

  Result<void> Write(const StoredRollup& rollup);
  // Sends what waits.
  Result<void> Send();

 private:
  void AppendRow(const StoredRollup& rollup, bool histograms);
  void AppendColumns(const RollupBuckets& buckets);
  void AppendBytes(std::string_view bytes);

  const Resolution& resolution_;
  Connection* const connection_;
  const int64_t timeout_ms_;
  RollupCounts& counts_;
  chunks::ChunkEncoder encoder_{chunks::Packing::kDense};
  chunks::Chunk chunk_;
  std::string copy_;  // in COPY's binary format, not yet sent
};

}  // namespace vigil::postgres
