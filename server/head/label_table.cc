// SPDX-License-Identifier: Apache-2.0
#include "server/head/label_table.h"

#include <utility>

namespace vigil::head {

SeriesRef LabelTable::Find(const Labels& labels) const {
  const uint64_t hash = labels.Hash();
  const Shard& shard = shards_[ShardOf(hash)];
  MutexLock lock(shard.mutex);
  if (shard.entries.empty()) return 0;
  const size_t mask = shard.entries.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    const Entry& entry = shard.entries[i];
    if (entry.ref == 0) return 0;
    if (entry.tag == TagOf(hash) && slots_.labels(entry.ref) == labels) return entry.ref;
  }
}

void LabelTable::Place(uint64_t hash, uint32_t ref, std::vector<Entry>* entries) {
  const size_t mask = entries->size() - 1;
  size_t i = hash & mask;
  while ((*entries)[i].ref != 0) i = (i + 1) & mask;
  (*entries)[i] = {TagOf(hash), ref};
}

void LabelTable::Add(SeriesRef ref) {
  const uint64_t hash = slots_.labels(ref).Hash();
  Shard& shard = shards_[ShardOf(hash)];
  MutexLock lock(shard.mutex);
  if (shard.used * 4 >= shard.entries.size() * 3) {
    std::vector<Entry> larger(shard.entries.empty() ? 16 : shard.entries.size() * 2);
    for (const Entry& entry : shard.entries) {
      if (entry.ref != 0) Place(slots_.labels(entry.ref).Hash(), entry.ref, &larger);
    }
    std::swap(shard.entries, larger);
  }
  Place(hash, static_cast<uint32_t>(ref), &shard.entries);
  ++shard.used;
}

}  // namespace vigil::head
