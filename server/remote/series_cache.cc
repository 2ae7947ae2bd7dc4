// SPDX-License-Identifier: Apache-2.0
#include "server/remote/series_cache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace vigil::remote {
namespace {

constexpr size_t kFirstEntries = 1024;
// How far ahead of the look-up entries are fetched: they are all over the memory.
constexpr size_t kAhead = 16;

}  // namespace

SeriesCache::Key SeriesCache::KeyOf(std::string_view raw_labels) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(raw_labels.data(), raw_labels.size(), seed_);
  return {hash.low64, hash.high64};
}

size_t SeriesCache::Find(std::span<const Key> keys, std::span<storage::SeriesRef> refs) const {
  if (entries_.empty()) {
    std::fill(refs.begin(), refs.end(), storage::SeriesRef{0});
    return keys.size();
  }
  const size_t mask = entries_.size() - 1;
  size_t missing = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) __builtin_prefetch(&entries_[Place(keys[i + kAhead])]);
    const Key& key = keys[i];
    size_t at = Place(key);
    while (entries_[at].ref != 0 &&
           (entries_[at].key.low != key.low || entries_[at].key.high != key.high)) {
      at = (at + 1) & mask;
    }
    refs[i] = entries_[at].ref;
    missing += refs[i] == 0 ? 1 : 0;
  }
  return missing;
}

void SeriesCache::Insert(const Key& key, storage::SeriesRef ref) {
  if ((size_ + 1) * 4 > entries_.size() * 3) Grow();
  const size_t mask = entries_.size() - 1;
  size_t at = Place(key);
  while (entries_[at].ref != 0) {
    if (entries_[at].key.low == key.low && entries_[at].key.high == key.high) {
      entries_[at].ref = ref;
      return;
    }
    at = (at + 1) & mask;
  }
  entries_[at] = {key, ref};
  ++size_;
}

void SeriesCache::Grow() {
  std::vector<Entry> old(std::max(kFirstEntries, entries_.size() * 2));
  std::swap(old, entries_);
  size_ = 0;
  for (const Entry& entry : old) {
    if (entry.ref != 0) Insert(entry.key, entry.ref);
  }
}

void SeriesCache::Clear() {
  entries_.clear();
  entries_.shrink_to_fit();
  size_ = 0;
}

}  // namespace vigil::remote
