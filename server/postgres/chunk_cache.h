// SPDX-License-Identifier: Apache-2.0
// Encoded chunks as they were read from the database, so that the same query does not ask twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "client-lib/base/mutex.h"
#include "server/postgres/metrics.h"
#include "server/storage/backend.h"

namespace vigil::postgres {

struct ChunkSpan {
  TimestampMs from = 0;
  TimestampMs to = 0;  // inclusive

  [[nodiscard]] bool Covers(const ChunkSpan& other) const {
    return from <= other.from && other.to <= to;
  }
};

// The chunks of one series in one leaf that overlap the span, by min_time; none at all is an
// answer, too.
struct CachedChunks {
  ChunkSpan span;
  std::vector<storage::ChunkRow> rows;  // data views point into bytes
  std::string bytes;
};
using CachedChunksPtr = std::shared_ptr<const CachedChunks>;

// What was not used for the longest time goes first. Keys are the version of a leaf
// (leaf_registry.h) and a series: a leaf gets a new version whenever its rows may have changed, and
// no version is used twice, so that what is found is what the database has.
// Threads: any.
class ChunkCache {
 public:
  // 0: keeps nothing.
  explicit ChunkCache(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // As long as `series`, null where the span is not known.
  std::vector<CachedChunksPtr> Find(uint64_t leaf_version, const ChunkSpan& span,
                                    std::span<const storage::SeriesId> series);
  // In place of what there was. REQUIRES: read from the database after the version was looked up;
  // equal lengths, none null.
  void Insert(uint64_t leaf_version, std::span<const storage::SeriesId> series,
              std::span<const CachedChunksPtr> chunks);
  // Forgets all leaves but those with one of these versions.
  void Retain(std::span<const uint64_t> leaf_versions);
  // Whether so many entries are worth keeping: a query over everything would push all others out.
  [[nodiscard]] bool Takes(size_t entries) const { return entries * kUsualBytes <= max_bytes_ / 2; }
  // What an entry takes, with what is around it.
  static uint64_t SizeOf(const CachedChunks& chunks);
  [[nodiscard]] ChunkCacheMetrics metrics() const;

 private:
  // Chunks and what is around them.
  static constexpr size_t kUsualBytes = 2048;

  struct Used {
    uint64_t leaf_version;
    storage::SeriesId series;
  };
  struct Entry {
    CachedChunksPtr chunks;
    std::list<Used>::iterator used;
  };
  using Leaf = std::unordered_map<storage::SeriesId, Entry>;
  struct State {
    std::unordered_map<uint64_t, Leaf> leaves;
    std::list<Used> used;  // the latest first
    ChunkCacheMetrics metrics;
  };

  static void Remove(State* state, uint64_t leaf_version, storage::SeriesId series);

  const uint64_t max_bytes_;
  Guarded<State> state_;
};

}  // namespace vigil::postgres
