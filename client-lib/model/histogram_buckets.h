// SPDX-License-Identifier: Apache-2.0
// The buckets of a native histogram one by one, with their bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "client-lib/model/histogram.h"

namespace vigil {

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
  int64_t index = 0;  // without meaning for the zero bucket
};

enum class HistogramSide : uint8_t { kPositive, kNegative };

inline bool UsesCustomBuckets(const Histogram& h) { return h.schema == kCustomBucketsSchema; }

// The upper bound of a positive exponential bucket. The bucket of the largest finite numbers ends
// at the largest of them, the one behind it takes the infinities.
double ExponentialBound(int64_t index, int32_t schema);

// Upper bound of a positive bucket of any schema; -Inf below the first custom bucket, +Inf for the
// last.
double BucketBound(const Histogram& h, int64_t index);

inline HistogramBucket ZeroBucket(const Histogram& h) {
  return {-h.zero_threshold, h.zero_threshold, true, true, h.zero_count, 0};
}

// Walks over the buckets of one side, away from zero, empty ones of its spans included. Spans and
// buckets that do not fit together end the walk early. Valid as long as the histogram is.
class BucketCursor {
 public:
  BucketCursor(const Histogram& h, HistogramSide side);
  bool Next();
  // REQUIRES: Next() returned true.
  [[nodiscard]] HistogramBucket At() const;
  [[nodiscard]] int64_t index() const { return index_; }
  [[nodiscard]] double count() const { return (*buckets_)[position_ - 1]; }
  // Of the bucket in the side's array.
  [[nodiscard]] size_t position() const { return position_ - 1; }

 private:
  const Histogram& h_;
  HistogramSide side_;
  const std::vector<BucketSpan>* spans_;
  const std::vector<double>* buckets_;
  size_t span_ = 0;
  uint32_t in_span_ = 0;
  size_t position_ = 0;  // of the next bucket
  int64_t index_ = -1;
};

// The same towards zero.
class ReverseBucketCursor {
 public:
  ReverseBucketCursor(const Histogram& h, HistogramSide side);
  bool Next();
  [[nodiscard]] HistogramBucket At() const;

 private:
  const Histogram& h_;
  HistogramSide side_;
  const std::vector<BucketSpan>* spans_;
  const std::vector<double>* buckets_;
  size_t span_ = 0;       // one behind the span in hand
  uint32_t in_span_ = 0;  // buckets left in it
  size_t position_ = 0;   // one behind the next bucket
  int64_t index_ = 0;     // one behind the next bucket's
};

// All buckets in order of value, the zero bucket in between when it is not empty. Bounds that lie
// inside the zero bucket are moved to its edge.
class AllBuckets {
 public:
  enum class Order : uint8_t { kAscending, kDescending };

  AllBuckets(const Histogram& h, Order order);
  bool Next();
  [[nodiscard]] const HistogramBucket& At() const { return bucket_; }

 private:
  enum class Stage : uint8_t { kFirst, kZero, kSecond, kDone };
  void CutAtZeroBucket();

  const Histogram& h_;
  ReverseBucketCursor first_;
  BucketCursor second_;
  Stage stage_ = Stage::kFirst;
  HistogramBucket bucket_;
};

}  // namespace vigil
