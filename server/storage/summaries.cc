// SPDX-License-Identifier: Apache-2.0
#include "server/storage/summaries.h"

#include <algorithm>

namespace vigil::storage {
namespace {

// Whether any of origin + i * stride, i < count, is in [first, last).
bool Hits(TimestampMs origin, int64_t stride, size_t count, TimestampMs first, TimestampMs last) {
  if (stride <= 0 || count <= 1) return origin >= first && origin < last;
  const int64_t i = first <= origin ? 0 : (first - origin + stride - 1) / stride;
  return static_cast<size_t>(i) < count && origin + i * stride < last;
}

}  // namespace

bool WindowsHint::Cut(TimestampMs first, TimestampMs last) const {
  if (count == 0) return true;
  return Hits(first_end, stride, count, first, last) ||
         Hits(first_end - range_ms, stride, count, first, last);
}

}  // namespace vigil::storage
