// SPDX-License-Identifier: Apache-2.0
// Questions to whole columns that nearly always have the same answer, two values at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace vigil::promql {

// Compilers leave such loops scalar at the usual level of optimisation unless told so.
using TwoDoubles = double __attribute__((vector_size(16)));
using TwoMasks = int64_t __attribute__((vector_size(16)));

inline TwoDoubles LoadTwo(const double* from) {
  TwoDoubles two;
  std::memcpy(&two, from, sizeof(two));
  return two;
}

// Whether any value is a NaN of whatever kind, staleness markers included.
inline bool AnyNaN(std::span<const double> values) {
  const double* const v = values.data();
  const size_t size = values.size();
  TwoMasks any = {0, 0};
  size_t at = 0;
  for (; at + 4 <= size; at += 4) {
    const TwoDoubles a = LoadTwo(v + at);
    const TwoDoubles b = LoadTwo(v + at + 2);
    any |= (a != a) | (b != b);
  }
  bool rest = false;
  for (; at < size; ++at) rest |= v[at] != v[at];
  return (any[0] | any[1]) != 0 || rest;
}

// Whether any of the values [from, to) is below the one before it. REQUIRES: from >= 1.
inline bool AnyFall(const double* values, size_t from, size_t to) {
  TwoMasks any = {0, 0};
  for (; from + 4 <= to; from += 4) {
    any |= (LoadTwo(values + from) < LoadTwo(values + from - 1)) |
           (LoadTwo(values + from + 2) < LoadTwo(values + from + 1));
  }
  bool rest = false;
  for (; from < to; ++from) rest |= values[from] < values[from - 1];
  return (any[0] | any[1]) != 0 || rest;
}

}  // namespace vigil::promql
