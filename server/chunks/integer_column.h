// SPDX-License-Identifier: Apache-2.0
// Values as integers over one divisor: what encoding 6 (chunk.h) packs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigil::chunks {

struct IntegerColumn {
  double divisor = 1;
  std::vector<int64_t> integers;     // below 2^53 on either side of 0
  std::vector<int64_t> corrections;  // empty when all are 0
  std::vector<uint32_t> specials;    // positions of values that are written as they are

  void Clear();
  // Gives the specials integers between those of their neighbours.
  void SmoothSpecials();
};

// The median of some items: where most are near, though any single one may be far off.
// REQUIRES: not empty.
int64_t UsualItem(std::span<const int64_t> items);

// Looks for a divisor that makes integers of most of a column: a power of ten or of two, or the
// number of seconds or series that a rate or an average was divided by. Looks at some values only.
// 0 when there is none.
double FindDivisor(std::span<const double> values);

// False when too many values are not an integer over the divisor, give or take a few of the last
// bits.
bool MakeIntegers(std::span<const double> values, double divisor, IntegerColumn* column);

}  // namespace vigil::chunks
