// SPDX-License-Identifier: Apache-2.0
// Reads chunks of many series out of the leaves of the chunk table.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/postgres/chunk_cache.h"
#include "server/postgres/connection_pool.h"
#include "server/postgres/leaf_registry.h"
#include "server/postgres/metrics.h"
#include "server/postgres/retention.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct ChunkReaderOptions {
  std::string conninfo;
  int connections = 4;
  int64_t timeout_ms = 30'000;
  uint64_t cache_bytes = 0;  // of encoded chunks kept in memory; 0: none
};

// All leaves are asked at once, on one connection. What was read is kept, by version of the leaf,
// so that the next query over the same series and times does not ask again; only what lies in
// leaves that have changed since, or was not asked for before, is read anew.
//
// Threads: any.
class ChunkReader {
 public:
  ChunkReader(ChunkReaderOptions options, LeafRegistry* leaves, const SharedRetention* retention,
              const Clock& clock);

  // As storage::ChunkStore::Read.
  Result<storage::ChunkTable> Read(std::span<const storage::SeriesId> series, TimestampMs min_time,
                                   TimestampMs max_time);
  // For the first queries after a start: opens a connection and makes the newest leaves known to
  // it, which takes longer than reading most queries' chunks does. Then a thread reads the newest
  // leaves into half of the cache. Errors are left to the reads. REQUIRES: called once.
  void WarmUp();
  // Afterwards every read fails with unavailable.
  void Close();
  [[nodiscard]] uint64_t open_connections() const { return connections_.open(); }
  // The figures of reads, the others zero.
  [[nodiscard]] ChunkMetrics metrics() const;
  [[nodiscard]] ChunkCacheMetrics cache_metrics() const { return cache_.metrics(); }

 private:
  struct Request {
    std::span<const storage::SeriesId> series;
    TimestampMs min_time;
    TimestampMs max_time;
  };
  // A leaf that may have rows, and when they are too old to be answered.
  struct Source {
    Leaf leaf;
    TimestampMs cutoff;
  };

  [[nodiscard]] std::vector<Source> Sources(const Request& request) const;
  Result<storage::ChunkTable> ReadOnce(ReadConnection* reader, const std::vector<Source>& sources,
                                       const Request& request);
  // Nothing when that is not worth it or not allowed.
  bool MayCache(const std::vector<Source>& sources, const Request& request);
  Result<storage::ChunkTable> ReadCached(ReadConnection* reader, const std::vector<Source>& sources,
                                         const Request& request);
  Result<std::vector<Rows>> Ask(ReadConnection* reader, const std::vector<std::string>& tables,
                                const Request& request);
  void ReadAhead(const std::stop_token& stop, std::span<const Leaf> newest_first);

  const ChunkReaderOptions options_;
  LeafRegistry* const leaves_;
  const SharedRetention* const retention_;
  const Clock& clock_;
  std::atomic<bool> closed_{false};
  ConnectionPool connections_;
  ChunkCache cache_;
  Guarded<ChunkMetrics> figures_;
  Guarded<uint64_t> retained_{uint64_t{0}};  // the newest version when the cache was cleared out
  std::jthread ahead_;                       // fills the cache after a start; stopped by Close
};

}  // namespace vigil::postgres
