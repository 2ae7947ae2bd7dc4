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

inline TwoDoubles TwoOf(double a, double b) {
  const TwoDoubles two = {a, b};
  return two;
}

inline TwoDoubles LoadTwo(const double* from) {
  TwoDoubles two;
  std::memcpy(&two, from, sizeof(two));
  return two;
}

inline void StoreTwo(TwoDoubles two, double* to) { std::memcpy(to, &two, sizeof(two)); }

inline TwoMasks BitsOf(TwoDoubles values) { return reinterpret_cast<TwoMasks>(values); }
// Of each pair a where the mask is set, else b.
inline TwoDoubles Chosen(TwoMasks mask, TwoDoubles a, TwoDoubles b) {
  return reinterpret_cast<TwoDoubles>((BitsOf(a) & mask) | (BitsOf(b) & ~mask));
}

// Whether any value is a NaN of whatever kind, staleness markers included.
inline bool AnyNaN(std::span<const double> values) {
  const double* const v = values.data();
  const size_t size = values.size();
  // A mask is -1 where it is true. Sums of masks stay in registers, which ors of them do not.
  TwoMasks first = {0, 0};
  TwoMasks second = {0, 0};
  size_t at = 0;
  for (; at + 4 <= size; at += 4) {
    const TwoDoubles a = LoadTwo(v + at);
    const TwoDoubles b = LoadTwo(v + at + 2);
    first += a != a;
    second += b != b;
  }
  first += second;
  bool rest = false;
  for (; at < size; ++at) rest |= v[at] != v[at];
  return first[0] + first[1] != 0 || rest;
}

// How many of the values [from, to) are below the one before them. REQUIRES: from >= 1.
inline size_t CountFalls(const double* values, size_t from, size_t to) {
  TwoMasks first = {0, 0};
  TwoMasks second = {0, 0};
  for (; from + 4 <= to; from += 4) {
    first += LoadTwo(values + from) < LoadTwo(values + from - 1);
    second += LoadTwo(values + from + 2) < LoadTwo(values + from + 1);
  }
  first += second;
  auto count = static_cast<size_t>(-(first[0] + first[1]));
  for (; from < to; ++from) count += values[from] < values[from - 1] ? 1 : 0;
  return count;
}

}  // namespace vigil::promql
