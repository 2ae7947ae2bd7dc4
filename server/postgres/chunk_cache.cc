// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/chunk_cache.h"

#include <algorithm>
#include <utility>

namespace vigil::postgres {

uint64_t ChunkCache::SizeOf(const CachedChunks& chunks) {
  // A guess at what map, list and counts of references take.
  constexpr uint64_t kAround = 208;
  return kAround + sizeof(CachedChunks) + chunks.bytes.capacity() +
         chunks.rows.capacity() * sizeof(storage::ChunkRow);
}

void ChunkCache::Remove(State* state, uint64_t leaf_version, storage::SeriesId series) {
  const auto leaf = state->leaves.find(leaf_version);
  const auto entry = leaf->second.find(series);
  state->metrics.bytes -= SizeOf(*entry->second.chunks);
  --state->metrics.entries;
  state->used.erase(entry->second.used);
  leaf->second.erase(entry);
  if (leaf->second.empty()) state->leaves.erase(leaf);
}

std::vector<CachedChunksPtr> ChunkCache::Find(uint64_t leaf_version, const ChunkSpan& span,
                                              std::span<const storage::SeriesId> series) {
  std::vector<CachedChunksPtr> found(series.size());
  state_.With([&](State& state) {
    const auto leaf = state.leaves.find(leaf_version);
    size_t hits = 0;
    for (size_t i = 0; leaf != state.leaves.end() && i < series.size(); ++i) {
      const auto entry = leaf->second.find(series[i]);
      if (entry == leaf->second.end() || !entry->second.chunks->span.Covers(span)) continue;
      state.used.splice(state.used.begin(), state.used, entry->second.used);
      found[i] = entry->second.chunks;
      ++hits;
    }
    state.metrics.hits += hits;
    state.metrics.misses += series.size() - hits;
  });
  return found;
}

void ChunkCache::Insert(uint64_t leaf_version, std::span<const storage::SeriesId> series,
                        std::span<const CachedChunksPtr> chunks) {
  state_.With([&](State& state) {
    for (size_t i = 0; i < series.size(); ++i) {
      if (SizeOf(*chunks[i]) > max_bytes_) continue;
      const auto leaf = state.leaves.find(leaf_version);
      if (leaf != state.leaves.end() && leaf->second.contains(series[i])) {
        Remove(&state, leaf_version, series[i]);
      }
      const auto at = state.leaves[leaf_version].try_emplace(series[i]).first;
      state.used.push_front({leaf_version, series[i]});
      at->second = {chunks[i], state.used.begin()};
      ++state.metrics.entries;
      state.metrics.bytes += SizeOf(*chunks[i]);
      while (state.metrics.bytes > max_bytes_) {
        const Used last = state.used.back();
        Remove(&state, last.leaf_version, last.series);
        ++state.metrics.evictions;
      }
    }
  });
}

void ChunkCache::Retain(std::span<const uint64_t> leaf_versions) {
  state_.With([&](State& state) {
    for (auto leaf = state.leaves.begin(); leaf != state.leaves.end();) {
      if (std::find(leaf_versions.begin(), leaf_versions.end(), leaf->first) !=
          leaf_versions.end()) {
        ++leaf;
        continue;
      }
      for (const auto& [series, entry] : leaf->second) {
        state.metrics.bytes -= SizeOf(*entry.chunks);
        --state.metrics.entries;
        state.used.erase(entry.used);
      }
      leaf = state.leaves.erase(leaf);
    }
  });
}

ChunkCacheMetrics ChunkCache::metrics() const {
  return state_.With([](const State& state) { return state.metrics; });
}

}  // namespace vigil::postgres
