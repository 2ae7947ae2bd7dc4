// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/summary.h"

#include <cmath>

namespace vigil::chunks {

ChunkSummary Summarize(std::span<const double> values) {
  ChunkSummary summary;
  summary.count = static_cast<uint32_t>(values.size());
  bool first = true;
  for (const double value : values) {
    if (IsStaleNaN(value)) {
      ++summary.stale;
      continue;
    }
    if (first) {
      summary.first = summary.min = summary.max = value;
      first = false;
    } else if (value < summary.last) {
      ++summary.resets;
    }
    if (value < summary.min || std::isnan(summary.min)) summary.min = value;
    if (value > summary.max || std::isnan(summary.max)) summary.max = value;
    summary.sum += value;
    summary.last = value;
  }
  return summary;
}

ChunkSummary SummarizeConst(double value, uint32_t count) {
  ChunkSummary summary;
  summary.count = count;
  if (IsStaleNaN(value)) {
    summary.stale = count;
    return summary;
  }
  summary.first = summary.last = summary.min = summary.max = value;
  summary.sum = value * count;
  return summary;
}

}  // namespace vigil::chunks
