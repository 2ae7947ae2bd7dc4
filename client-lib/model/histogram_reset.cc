// SPDX-License-Identifier: Apache-2.0
// Comparison of histograms: equality and counter resets.
#include <algorithm>
#include <limits>

#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_layout.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_zero.h"
#include "client-lib/model/sample.h"

namespace vigil {
namespace {

// Spans without buckets do not matter, only the gaps they add up to.
std::vector<BucketSpan> WithoutEmptySpans(const std::vector<BucketSpan>& spans) {
  std::vector<BucketSpan> kept;
  int32_t offset = 0;
  for (const BucketSpan& span : spans) {
    offset += span.offset;
    if (span.length == 0) continue;
    kept.push_back({offset, span.length});
    offset = 0;
  }
  return kept;
}

bool SameSpans(const std::vector<BucketSpan>& a, const std::vector<BucketSpan>& b) {
  return a == b || WithoutEmptySpans(a) == WithoutEmptySpans(b);
}

bool SameBuckets(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameBits);
}

// Buckets of `previous` outside the zero bucket of `current`, joined to its schema.
class Merged {
 public:
  Merged(const Histogram& h, HistogramSide side, int32_t schema, double threshold)
      : cursor_(h, side), from_(h.schema), to_(schema), threshold_(threshold) {
    more_ = cursor_.Next();
  }
  bool Next() {
    while (more_) {
      index = Target();
      count = 0;
      while (more_ && Target() == index) {
        count += cursor_.count();
        more_ = cursor_.Next();
      }
      if (threshold_ == 0 || ExponentialBound(index, to_) > threshold_) return true;
    }
    return false;
  }

  int64_t index = 0;
  double count = 0;

 private:
  [[nodiscard]] int64_t Target() const {
    return from_ == to_ ? cursor_.index() : CoarserIndex(cursor_.index(), from_, to_);
  }

  BucketCursor cursor_;
  int32_t from_;
  int32_t to_;
  double threshold_;
  bool more_ = false;
};

bool AnyBucketFell(const Histogram& current, const Histogram& previous, HistogramSide side) {
  // The threshold has no meaning for custom buckets.
  const double threshold = UsesCustomBuckets(current) ? 0 : current.zero_threshold;
  Merged before(previous, side, current.schema, threshold);
  Merged now(current, side, current.schema, threshold);
  bool more = now.Next();
  while (before.Next()) {
    while (more && now.index < before.index) more = now.Next();
    const double count = more && now.index == before.index ? now.count : 0;
    if (count < before.count) return true;
    // A bucket that is gone must have been empty.
    if (!(more && now.index == before.index) && before.count != 0) return true;
  }
  return false;
}

// Observations between bounds that both histograms have must not become fewer.
bool AnyCommonBucketFell(const Histogram& current, const Histogram& previous) {
  const std::vector<double> common = CommonBounds(current.custom_values, previous.custom_values);
  const auto counts = [&common](const Histogram& h) {
    std::vector<double> mapped(common.size() + 1, 0);
    BucketCursor cursor(h, HistogramSide::kPositive);
    while (cursor.Next()) {
      const double bound = BucketBound(h, cursor.index());
      const auto at = std::lower_bound(common.begin(), common.end(), bound);
      mapped[static_cast<size_t>(at - common.begin())] += cursor.count();
    }
    return mapped;
  };
  const std::vector<double> now = counts(current);
  const std::vector<double> before = counts(previous);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] < before[i]) return true;
  }
  return false;
}

}  // namespace

bool SameHistogram(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         (!UsesCustomBuckets(a) || a.custom_values == b.custom_values) &&
         a.zero_threshold == b.zero_threshold && SameBits(a.zero_count, b.zero_count) &&
         SameSpans(a.negative_spans, b.negative_spans) &&
         SameBuckets(a.negative_buckets, b.negative_buckets) &&
         SameSpans(a.positive_spans, b.positive_spans) &&
         SameBuckets(a.positive_buckets, b.positive_buckets);
}

bool DetectReset(const Histogram& current, const Histogram& previous) {
  if (current.reset_hint == CounterResetHint::kReset) return true;
  if (current.reset_hint == CounterResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (UsesCustomBuckets(current)) {
    if (!UsesCustomBuckets(previous)) return true;
    if (current.custom_values != previous.custom_values) {
      return AnyCommonBucketFell(current, previous);
    }
    return AnyBucketFell(current, previous, HistogramSide::kPositive);
  }
  // A finer schema or a narrower zero bucket comes with a reset only.
  if (current.schema > previous.schema || current.zero_threshold < previous.zero_threshold) {
    return true;
  }
  // From custom buckets to exponential ones: nothing to compare.
  if (UsesCustomBuckets(previous)) return true;
  const ZeroBucketAt zero = WidenedZeroBucket(previous, current.zero_threshold);
  if (zero.threshold != current.zero_threshold) return true;
  if (current.zero_count < zero.count) return true;
  return AnyBucketFell(current, previous, HistogramSide::kPositive) ||
         AnyBucketFell(current, previous, HistogramSide::kNegative);
}

}  // namespace vigil
