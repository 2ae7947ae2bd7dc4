// SPDX-License-Identifier: Apache-2.0
#include "client-lib/model/histogram_zero.h"

#include "client-lib/model/histogram_buckets.h"

namespace vigil {
namespace {

// Adds up one side's buckets that begin inside the threshold. True when the threshold lies in a
// populated bucket: it is moved to the bucket's end.
bool TakeInside(const Histogram& h, HistogramSide side, double* threshold, double* count) {
  BucketCursor cursor(h, side);
  while (cursor.Next()) {
    const double lower = ExponentialBound(cursor.index() - 1, h.schema);
    if (lower >= *threshold) return false;
    *count += cursor.count();
    const double upper = ExponentialBound(cursor.index(), h.schema);
    if (upper <= *threshold) continue;
    if (cursor.count() == 0) return false;
    *threshold = upper;
    return true;
  }
  return false;
}

// Moves the buckets inside the zero bucket into it.
void Swallow(const SideView& side, int32_t schema, double threshold, double* zero_count,
             double* zero_compensation) {
  SideBuilder rest(side.compensation != nullptr);
  ForEachBucket(*side.spans, side.buckets->size(), [&](int64_t index, size_t position) {
    const double count = (*side.buckets)[position];
    const double compensation = side.compensation == nullptr ? 0 : (*side.compensation)[position];
    if (ExponentialBound(index - 1, schema) >= threshold) {
      rest.Append(index, count, compensation);
      return;
    }
    Accumulate(count, zero_count, zero_compensation);
    if (compensation != 0) Accumulate(compensation, zero_count, zero_compensation);
  });
  rest.MoveTo(side);
}

}  // namespace

ZeroBucketAt WidenedZeroBucket(const Histogram& h, double threshold) {
  if (threshold == h.zero_threshold) return {h.zero_count, threshold};
  for (;;) {
    ZeroBucketAt zero{h.zero_count, threshold};
    TakeInside(h, HistogramSide::kPositive, &zero.threshold, &zero.count);
    threshold = zero.threshold;
    // A threshold that moved on the negative side has to be tried on the positive side again.
    if (!TakeInside(h, HistogramSide::kNegative, &threshold, &zero.count)) return zero;
  }
}

double ReconcileZeroBuckets(Histogram* h, const SideView& positive, const SideView& negative,
                            double* zero_compensation, const Histogram& other) {
  ZeroBucketAt theirs{other.zero_count, other.zero_threshold};
  // A NaN would never come to agree.
  while (theirs.threshold < h->zero_threshold || theirs.threshold > h->zero_threshold) {
    if (h->zero_threshold > theirs.threshold) {
      theirs = WidenedZeroBucket(other, h->zero_threshold);
    }
    if (theirs.threshold > h->zero_threshold) {
      h->zero_threshold = WidenedZeroBucket(*h, theirs.threshold).threshold;
      Swallow(positive, h->schema, h->zero_threshold, &h->zero_count, zero_compensation);
      Swallow(negative, h->schema, h->zero_threshold, &h->zero_count, zero_compensation);
    }
  }
  return theirs.count;
}

}  // namespace vigil
