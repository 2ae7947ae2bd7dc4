// SPDX-License-Identifier: Apache-2.0
// From label sets to series: a hash table in shards, eight bytes an entry; the labels themselves
// stay in their slots.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/model/labels.h"
#include "server/head/series_slots.h"

namespace vigil::head {

// Threads: any.
class LabelTable {
 public:
  explicit LabelTable(const SeriesSlots& slots) : slots_(slots) {}

  // 0 when there is none.
  [[nodiscard]] SeriesRef Find(const Labels& labels) const;
  // REQUIRES: ref is in the slots and its labels are not in the table.
  void Add(SeriesRef ref);

 private:
  static constexpr size_t kShards = 64;
  static constexpr unsigned kShardBits = 6;

  // Linear probing, a power of two long, at most three quarters full.
  struct Entry {
    uint32_t tag = 0;  // bits of the hash that are not in the position
    uint32_t ref = 0;  // 0: free
  };
  struct Shard {
    mutable Mutex mutex;
    std::vector<Entry> entries GUARDED_BY(mutex);
    size_t used GUARDED_BY(mutex) = 0;
  };

  static size_t ShardOf(uint64_t hash) { return hash >> (64 - kShardBits); }
  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 26); }
  static void Place(uint64_t hash, uint32_t ref, std::vector<Entry>* entries);

  const SeriesSlots& slots_;
  std::array<Shard, kShards> shards_;
};

}  // namespace vigil::head
