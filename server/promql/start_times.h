// SPDX-License-Identifier: Apache-2.0
// What the start timestamps of counters say: since when a sample's value has been counted. Zero
// means that it is not known.
#pragma once

#include "client-lib/base/clock.h"

namespace vigil::promql {

struct StartedSample {
  TimestampMs start = 0;
  TimestampMs timestamp = 0;
};

// Whether the counter began anew between two samples.
inline bool RestartedBetween(const StartedSample& previous, const StartedSample& current) {
  // Not before the sample itself: nonsense, or OpenTelemetry's way to say "unknown".
  if (current.start == 0 || current.start >= current.timestamp) return false;
  if (current.start != previous.timestamp) return current.start > previous.timestamp;
  // Counted since the previous sample: a delta, unless that sample's own start is unknown too.
  return previous.start != 0 && previous.start < previous.timestamp;
}

// Counted since before the previous sample, but not since that one's start: bad data.
inline bool StartsOverlap(const StartedSample& previous, const StartedSample& current) {
  return current.start != 0 && current.start < previous.timestamp &&
         current.start != previous.start;
}

// The counter was zero at a known time inside the range, which is better than any extrapolation.
inline bool StartsInside(const StartedSample& first, TimestampMs range_start) {
  return first.start != 0 && first.start > range_start && first.start < first.timestamp;
}

}  // namespace vigil::promql
