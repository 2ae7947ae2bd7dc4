// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/histogram_slots.h"

#include <algorithm>

#include "client-lib/model/sample.h"
#include "server/chunks/bytes.h"
#include "server/chunks/histogram_record.h"

namespace vigil::chunks {
namespace {

uint64_t BucketsOf(std::span<const BucketSpan> spans) {
  uint64_t buckets = 0;
  for (const BucketSpan& span : spans) buckets += span.length;
  return buckets;
}

bool SameColumn(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameBits);
}

bool AddWhole(std::span<const double> values, uint64_t* sum) {
  for (const double value : values) {
    if (!IsWhole(value)) return false;
    *sum += static_cast<uint64_t>(static_cast<int64_t>(value));
  }
  return true;
}

// Gives the index of one bucket after the other.
class BucketIndexes {
 public:
  explicit BucketIndexes(std::span<const BucketSpan> spans) : spans_(spans) { Enter(); }

  // REQUIRES: there is another bucket.
  int64_t Next() {
    while (left_ == 0) {
      ++span_;
      Enter();
    }
    --left_;
    return next_++;
  }

 private:
  void Enter() {
    if (span_ >= spans_.size()) return;
    next_ += spans_[span_].offset;
    left_ = spans_[span_].length;
  }

  std::span<const BucketSpan> spans_;
  size_t span_ = 0;
  uint32_t left_ = 0;
  int64_t next_ = 0;
};

}  // namespace

bool IsWellFormed(const Histogram& histogram) {
  return BucketsOf(histogram.positive_spans) == histogram.positive_buckets.size() &&
         BucketsOf(histogram.negative_spans) == histogram.negative_buckets.size();
}

bool SameHistogram(const Histogram& a, const Histogram& b) {
  return SameBits(a.sum, b.sum) && SameBits(a.count, b.count) &&
         SameBits(a.zero_count, b.zero_count) && a.reset_hint == b.reset_hint &&
         a.integer == b.integer && a.schema == b.schema &&
         SameBits(a.zero_threshold, b.zero_threshold) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans &&
         SameColumn(a.positive_buckets, b.positive_buckets) &&
         SameColumn(a.negative_buckets, b.negative_buckets) &&
         SameColumn(a.custom_values, b.custom_values);
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && SameBits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         SameColumn(a.custom_values, b.custom_values);
}

bool CountsAreWhole(const Histogram& histogram, int64_t* rest) {
  if (!IsWhole(histogram.count) || !IsWhole(histogram.zero_count)) return false;
  uint64_t sum = static_cast<uint64_t>(static_cast<int64_t>(histogram.zero_count));
  if (!AddWhole(histogram.positive_buckets, &sum) || !AddWhole(histogram.negative_buckets, &sum)) {
    return false;
  }
  *rest = WrapSub(static_cast<int64_t>(histogram.count), static_cast<int64_t>(sum));
  return FitsInteger(*rest);
}

std::vector<double> TakeOver(std::span<const BucketSpan> old_spans, std::span<const double> old,
                             std::span<const BucketSpan> spans, size_t count) {
  std::vector<double> taken(count);
  if (old.empty() || count == 0) return taken;
  BucketIndexes old_indexes(old_spans);
  BucketIndexes indexes(spans);
  size_t at = 0;
  int64_t old_index = old_indexes.Next();
  for (double& value : taken) {
    const int64_t index = indexes.Next();
    while (old_index < index && ++at < old.size()) old_index = old_indexes.Next();
    if (at == old.size()) break;
    if (old_index == index) value = old[at];
  }
  return taken;
}

}  // namespace vigil::chunks
