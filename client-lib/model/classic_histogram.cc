// SPDX-License-Identifier: Apache-2.0
#include "client-lib/model/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_text.h"

namespace vigil {
namespace {

bool IsWholeCount(double count) { return std::nearbyint(count) == count; }

// By bound, each once, the bucket to infinity at the end.
void CompleteBuckets(ClassicHistogram* classic) {
  auto& buckets = classic->buckets;
  std::stable_sort(buckets.begin(), buckets.end(),
                   [](const auto& a, const auto& b) { return a.bound < b.bound; });
  size_t kept = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (i + 1 < buckets.size() && buckets[i].bound == buckets[i + 1].bound) continue;
    buckets[kept++] = buckets[i];
  }
  buckets.resize(kept);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (buckets.empty() || buckets.back().bound != kInfinity) {
    const double highest = buckets.empty() ? 0 : buckets.back().count;
    buckets.push_back({kInfinity, classic->count.value_or(highest)});
  }
}

}  // namespace

Result<Histogram> WithCustomBuckets(ClassicHistogram classic) {
  CompleteBuckets(&classic);
  Histogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.sum = classic.sum;
  histogram.count = classic.count.value_or(classic.buckets.back().count);
  histogram.integer = IsWholeCount(histogram.count);
  double before = 0;
  for (const auto& [bound, cumulative] : classic.buckets) {
    if (cumulative < before) return BadData("the bucket counts of a histogram are not cumulative");
    histogram.integer = histogram.integer && IsWholeCount(cumulative);
    histogram.positive_buckets.push_back(cumulative - before);
    before = cumulative;
    if (std::isfinite(bound) || bound < 0) histogram.custom_values.push_back(bound);
  }
  if (histogram.count != before && !std::isnan(before)) {
    return BadData("the count of a histogram is not that of its last bucket");
  }
  histogram.positive_spans = {{0, static_cast<uint32_t>(histogram.positive_buckets.size())}};
  CompactHistogram(&histogram, 2);
  TRY(ValidateHistogram(histogram));
  return histogram;
}

}  // namespace vigil
