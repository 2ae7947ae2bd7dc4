// SPDX-License-Identifier: Apache-2.0
// The line along which integers keep closest together: the slope of the narrowest band that holds
// them all. Noise around a line then takes its own bits and none for a slope that is a little off,
// as that of the least squares is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigil::chunks {

// Threads: owner thread only.
class NarrowBand {
 public:
  // By item, for integers of at most 2^53 on either side of 0. REQUIRES: at least two.
  double Slope(std::span<const int64_t> integers);

 private:
  // Rise from one item to another.
  [[nodiscard]] double Steepness(size_t from, size_t to) const;
  // Fills *hull with the items that no line between two others passes on the outside.
  void FindHull(bool upper, std::vector<uint32_t>* hull) const;

  std::span<const int64_t> integers_;
  std::vector<uint32_t> upper_;
  std::vector<uint32_t> lower_;
};

}  // namespace vigil::chunks
