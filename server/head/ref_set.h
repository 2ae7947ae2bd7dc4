// SPDX-License-Identifier: Apache-2.0
// Set operations on rising lists of refs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigil::head {

using Refs = std::vector<uint32_t>;

// Keeps what is in both. Gallops through the longer list when it is much longer.
void IntersectWith(std::span<const uint32_t> other, Refs* refs);
// Removes what is in the other.
void Subtract(std::span<const uint32_t> other, Refs* refs);

// Collects the lists of several values of one label, then gives all refs in order, each once.
// Threads: owner thread only.
class RefUnion {
 public:
  // Refs are at most max_ref.
  explicit RefUnion(size_t max_ref) : max_ref_(max_ref) {}
  // The list must stay until Take().
  void Add(std::span<const uint32_t> refs) {
    lists_.push_back(refs);
    total_ += refs.size();
  }
  [[nodiscard]] size_t total() const { return total_; }
  [[nodiscard]] size_t count() const { return lists_.size(); }
  [[nodiscard]] Refs Take() const;
  // Keeps the refs that are in one of the lists, or those that are in none.
  void KeepIn(Refs* refs) const;
  void RemoveFrom(Refs* refs) const;

 private:
  // So few that sorting them beats a bit for each ref there is.
  [[nodiscard]] bool IsFew() const { return total_ * 16 < max_ref_ / 64; }
  [[nodiscard]] std::vector<uint64_t> Bits() const;
  void Select(bool in, Refs* refs) const;

  size_t max_ref_;
  size_t total_ = 0;
  std::vector<std::span<const uint32_t>> lists_;
};

}  // namespace vigil::head
