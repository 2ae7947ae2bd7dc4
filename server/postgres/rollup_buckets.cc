// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_buckets.h"

#include <cmath>

namespace vigil::postgres {
namespace {

// A time on a border is in the bucket that ends there.
TimestampMs BucketOf(TimestampMs time, int64_t width_ms) {
  const int64_t into = (time - 1) % width_ms;
  return time - 1 - (into < 0 ? into + width_ms : into);
}

}  // namespace

void RollupBuckets::Clear() {
  times.clear();
  for (std::vector<double>& column : values) column.clear();
}

void RollupBuckets::Open(TimestampMs start, double value) {
  times.push_back(start);
  for (std::vector<double>& column : values) column.push_back(0);
  values[kFirst].back() = values[kMin].back() = values[kMax].back() = value;
}

void RollupBuckets::Add(const SampleColumns& samples, int64_t width_ms) {
  bool has_before = false;
  double before = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double value = samples.values[i];
    if (IsStaleNaN(value)) continue;
    const TimestampMs start = BucketOf(samples.timestamps[i], width_ms);
    if (times.empty() || times.back() != start) Open(start, value);
    double& min = values[kMin].back();
    double& max = values[kMax].back();
    if (value < min || std::isnan(min)) min = value;
    if (value > max || std::isnan(max)) max = value;
    values[kCount].back() += 1;
    values[kSum].back() += value;
    values[kLast].back() = value;
    if (has_before) values[kIncrease].back() += value >= before ? value - before : value;
    before = value;
    has_before = true;
  }
}

}  // namespace vigil::postgres
