// SPDX-License-Identifier: Apache-2.0
// Spans and buckets of one side of a histogram, and how two layouts become one.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "client-lib/model/histogram.h"

namespace vigil {

// sum += value, with Neumaier's compensation when there is a place for it.
inline void Accumulate(double value, double* sum, double* compensation) {
  if (compensation == nullptr) {
    *sum += value;
    return;
  }
  const double t = *sum + value;
  if (std::isinf(t)) {
    *compensation = 0;
  } else if (std::fabs(*sum) >= std::fabs(value)) {
    *compensation += (*sum - t) + value;
  } else {
    *compensation += (value - t) + *sum;
  }
  *sum = t;
}

// One side of a histogram in place. `compensation` is null or as long as the buckets.
struct SideView {
  std::vector<BucketSpan>* spans;
  std::vector<double>* buckets;
  std::vector<double>* compensation = nullptr;
};

struct ConstSideView {
  const std::vector<BucketSpan>& spans;
  const std::vector<double>& buckets;
};

// Appends buckets with rising indexes.
class SideBuilder {
 public:
  explicit SideBuilder(bool compensated) : compensated_(compensated) {}

  void Append(int64_t index, double count, double compensation);
  // Adds to the bucket appended last.
  void AddToLast(double count, double compensation);
  [[nodiscard]] bool empty() const { return buckets_.empty(); }
  [[nodiscard]] int64_t last_index() const { return next_ - 1; }
  // Replaces what the view shows.
  void MoveTo(const SideView& side);

 private:
  bool compensated_;
  int64_t next_ = 0;
  std::vector<BucketSpan> spans_;
  std::vector<double> buckets_;
  std::vector<double> compensations_;
};

// Calls f(index, position) for each bucket; those that no span covers are left out.
template <typename F>
void ForEachBucket(const std::vector<BucketSpan>& spans, size_t buckets, F f) {
  int64_t index = 0;
  size_t position = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && position < buckets; ++i) f(index++, position++);
  }
}

// Adds (or subtracts) the buckets of `other` whose index is at least `from`.
void AddSide(const SideView& side, const ConstSideView& other, int64_t from, bool negative);

// Joins buckets so that they fit the coarser schema. REQUIRES: IsKnownSchema(target_schema), and
// `schema` between it and kMaxReservedSchema.
void ReduceSide(const SideView& side, int32_t schema, int32_t target_schema);

// The index that a bucket's observations have in a coarser schema.
inline int64_t CoarserIndex(int64_t index, int32_t schema, int32_t target_schema) {
  return ((index - 1) >> (schema - target_schema)) + 1;
}

// Takes out empty buckets as CompactHistogram says.
void CompactSide(const SideView& side, size_t max_empty);

// The bounds both have. REQUIRES: sorted.
std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b);
// Maps the buckets to fewer bounds. REQUIRES: `to` is part of `from`.
void MapToBounds(const SideView& side, const std::vector<double>& from,
                 const std::vector<double>& to);

}  // namespace vigil
