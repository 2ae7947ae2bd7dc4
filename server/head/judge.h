// SPDX-License-Identifier: Apache-2.0
// The rules of head.h for one sample.
#pragma once

#include <cstdint>

#include "client-lib/model/sample.h"
#include "server/chunks/histogram_record.h"
#include "server/head/series_slots.h"
#include "server/storage/storage.h"

namespace vigil::head {

// The times that samples of one batch may have.
struct Bounds {
  TimestampMs low = INT64_MIN;
  TimestampMs high = INT64_MAX;
  bool has_window = false;
  TimestampMs late_low = INT64_MIN;  // of late samples, with a window
};

// The newest samples of a series.
struct Newest {
  TimestampMs float_time = INT64_MIN;
  double value = 0;
  TimestampMs histogram_time = INT64_MIN;
  const Histogram* histogram = nullptr;

  static Newest Of(const Series& series) {
    Newest newest{series.open.last_time(), series.open.last_value(), INT64_MIN, nullptr};
    if (series.side != nullptr) {
      newest.histogram_time = series.side->histograms().last_time();
      newest.histogram = series.side->histograms().last().get();
    }
    return newest;
  }
};

// Of a sample that is not newer than all others of its series, or out of bounds.
inline storage::SampleVerdict JudgeOld(TimestampMs timestamp, const Bounds& bounds) {
  using storage::SampleVerdict;
  if (timestamp > bounds.high) return SampleVerdict::kOutOfBounds;
  if (bounds.has_window) {
    return timestamp >= bounds.late_low ? SampleVerdict::kAcceptedLate : SampleVerdict::kTooOld;
  }
  return timestamp < bounds.low ? SampleVerdict::kOutOfBounds : SampleVerdict::kOutOfOrder;
}

// kAcceptedLate: it is so if memory has no other sample there, see JudgeLate().
inline storage::SampleVerdict Judge(TimestampMs timestamp, double value, const Newest& newest,
                                    const Bounds& bounds) {
  using storage::SampleVerdict;
  if (timestamp >= bounds.low && timestamp <= bounds.high) {
    if (timestamp > newest.float_time) {
      if (timestamp > newest.histogram_time) return SampleVerdict::kAccepted;
      if (timestamp == newest.histogram_time) return SampleVerdict::kDuplicate;
    } else if (timestamp == newest.float_time) {
      return SameBits(value, newest.value) ? SampleVerdict::kDuplicateSame
                                           : SampleVerdict::kDuplicate;
    }
  }
  return JudgeOld(timestamp, bounds);
}

inline storage::SampleVerdict Judge(const HistogramSample& sample, const Newest& newest,
                                    const Bounds& bounds) {
  using storage::SampleVerdict;
  const TimestampMs timestamp = sample.timestamp;
  if (!chunks::IsWellFormed(*sample.histogram)) return SampleVerdict::kBrokenHistogram;
  if (timestamp >= bounds.low && timestamp <= bounds.high) {
    if (timestamp > newest.histogram_time) {
      if (timestamp > newest.float_time) return SampleVerdict::kAccepted;
      if (timestamp == newest.float_time) return SampleVerdict::kDuplicate;
    } else if (timestamp == newest.histogram_time) {
      return chunks::SameHistogram(*sample.histogram, *newest.histogram)
                 ? SampleVerdict::kDuplicateSame
                 : SampleVerdict::kDuplicate;
    }
  }
  return JudgeOld(timestamp, bounds);
}

// Of a late sample by what memory has at its timestamp. REQUIRES: the series is locked.
storage::SampleVerdict JudgeLate(const Series& series, const Sample& sample);
storage::SampleVerdict JudgeLate(const Series& series, const HistogramSample& sample);

}  // namespace vigil::head
