// SPDX-License-Identifier: Apache-2.0
// The COPY side of a flush: chunk rows sorted into leaves, in pieces of bounded size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "client-lib/base/result.h"
#include "server/postgres/connection.h"
#include "server/postgres/leaf_registry.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

// The columns of a chunk row, in the order of AppendChunkRow().
inline constexpr const char* kChunkColumns =
    "series_id, min_time, span_ms, n, encoding, class, data";
// A row in COPY's binary format.
void AppendChunkRow(const storage::ChunkRow& row, std::string* out);

// Writes into the connection's open transaction. Memory stays below about 8 MB however many
// leaves the rows fall into.
// Threads: owner thread only.
class ChunkFlush {
 public:
  // Finds or creates the leaf of a chunk of the class that starts at a time.
  using LeafFor = std::function<Result<Leaf>(int32_t retention_class, TimestampMs time)>;
  ChunkFlush(Connection* connection, LeafFor leaf_for, int64_t timeout_ms);

  Result<void> Add(const storage::ChunkRow& row);
  // Writes what is left and the leaves' figures. For each leaf calls changed(table, newest).
  Result<void> Finish(const std::function<void(const std::string&, TimestampMs)>& changed);

  [[nodiscard]] uint64_t rows() const { return rows_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  struct Pending {
    Leaf leaf;
    std::string copy;  // rows in COPY's binary format
    uint64_t rows = 0;
    uint64_t samples = 0;
  };
  Result<Pending*> PendingFor(int32_t retention_class, TimestampMs time);
  Result<void> WriteLargest();
  Result<void> Write(Pending* pending);

  Connection* const connection_;
  const LeafFor leaf_for_;
  const int64_t timeout_ms_;
  using Key = std::pair<int32_t, TimestampMs>;  // class and start of a leaf
  std::map<Key, Pending> pending_;
  Pending* current_ = nullptr;  // where the row before went
  size_t buffered_ = 0;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace vigil::postgres
