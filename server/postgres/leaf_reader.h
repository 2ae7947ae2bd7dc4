// SPDX-License-Identifier: Apache-2.0
// Goes over the chunks of leaves series by series, ordered by metric, with bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct LeafReadOptions {
  std::string conninfo;
  int64_t timeout_ms = 60'000;  // of each statement
  // Chunks of so many bytes are read at once: what bounds the memory.
  size_t batch_bytes = 2U << 20;
  // Called between batches with the time the last one took; may wait. Null: goes on at once.
  std::function<void(int64_t took_ns)> pause;
};

// Each batch is a statement of its own: chunks that come meanwhile may be seen or not.
// Threads: owner thread only.
class LeafReader {
 public:
  // The leaves are of one class.
  LeafReader(LeafReadOptions options, std::vector<Leaf> leaves, const Clock& clock)
      : options_(std::move(options)), leaves_(std::move(leaves)), clock_(clock) {}

  Result<void> Open();
  // The rows of one series by min_time, equal ones in the order in which they were written; valid
  // during the call.
  using Each = std::function<Result<void>(std::span<const storage::ChunkRow>)>;
  // canceled when `stop` asks. REQUIRES: Open().
  Result<void> ForEachSeries(const std::stop_token& stop, const Each& each);

 private:
  Result<void> ListSeries();
  Result<size_t> SeriesPerBatch();
  Result<void> ReadBatch(std::span<const storage::SeriesId> series, const Each& each);
  void Collect(const Rows& rows, std::span<const storage::SeriesId> series);
  [[nodiscard]] std::string UnionOf(const std::string& columns, const std::string& where) const;

  const LeafReadOptions options_;
  const std::vector<Leaf> leaves_;
  const Clock& clock_;
  std::unique_ptr<Connection> connection_;
  std::vector<storage::SeriesId> series_;  // 8 bytes each are all that is kept of a leaf at once
  std::vector<storage::ChunkRow> rows_;
};

}  // namespace vigil::postgres
