// SPDX-License-Identifier: Apache-2.0
// Writes columns of noise: value encoding 7 of chunk.h. Sign, exponent and the first bits of the
// mantissas are often the same few; the rest cannot be made smaller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigil::chunks {

inline constexpr size_t kMaxSplitHighs = 16;
inline constexpr unsigned kMaxSplitLowBits = 56;

// Threads: owner thread only.
class SplitEncoder {
 public:
  // Looks for the best cut; returns the size. The values must stay until Write().
  size_t Plan(std::span<const double> values);
  // Writes the planned column; the room must be zero, with kSlack behind it.
  uint8_t* Write(uint8_t* out) const;

 private:
  void Choose();
  // How often the high part of a value comes; what does not come often goes last.
  struct Entry {
    uint64_t high = 0;
    uint32_t count = 0;
  };
  size_t Group(unsigned low_bits);
  [[nodiscard]] unsigned IndexOf(uint64_t high) const;  // high_count_ when it is not in the list

  std::span<const double> values_;
  std::vector<uint64_t> sample_;  // sorted bits of some values
  std::vector<Entry> groups_;
  unsigned low_bits_ = 0;
  unsigned high_count_ = 0;
  std::array<uint64_t, kMaxSplitHighs> highs_{};
  std::vector<uint8_t> indexes_;
  std::vector<uint32_t> exceptions_;  // positions
};

}  // namespace vigil::chunks
