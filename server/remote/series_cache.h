// SPDX-License-Identifier: Apache-2.0
// From the labels of a series as they stand in a request to the series: a flat table of 128-bit
// hashes, so that a look-up costs one hash over the bytes and one cache line, and no label is kept
// a second time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "server/storage/storage.h"

namespace vigil::remote {

// Two label sets with the same hash would be one series; with 128 bits and a seed that senders do
// not know, that does not happen.
// Threads: Find() from several at once, as long as none writes.
class SeriesCache {
 public:
  struct Key {
    uint64_t low = 0;
    uint64_t high = 0;
  };

  explicit SeriesCache(uint64_t seed) : seed_(seed) {}

  [[nodiscard]] Key KeyOf(std::string_view raw_labels) const;
  // refs[i] becomes the series of keys[i], 0 when it is not known. Returns how many are not.
  size_t Find(std::span<const Key> keys, std::span<storage::SeriesRef> refs) const;
  // REQUIRES: ref is not 0.
  void Insert(const Key& key, storage::SeriesRef ref);
  void Clear();

  [[nodiscard]] size_t size() const { return size_; }

 private:
  struct Entry {
    Key key;
    storage::SeriesRef ref = 0;  // 0: empty
  };

  [[nodiscard]] size_t Place(const Key& key) const { return key.low & (entries_.size() - 1); }
  void Grow();

  const uint64_t seed_;
  size_t size_ = 0;
  std::vector<Entry> entries_;  // a power of two, at most 3/4 full; linear probing
};

}  // namespace vigil::remote
