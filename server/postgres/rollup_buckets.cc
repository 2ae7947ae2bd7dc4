// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/rollup_buckets.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace vigil::postgres {
namespace {

// What a hint says is about the sample before, which is left out.
void ForgetReset(HistogramSample* sample) {
  using enum CounterResetHint;
  const CounterResetHint hint = sample->histogram->reset_hint;
  if (hint == kUnknown || hint == kGauge) return;
  auto open = std::make_shared<Histogram>(*sample->histogram);
  open->reset_hint = kUnknown;
  sample->histogram = std::move(open);
}

}  // namespace

TimestampMs BucketOf(TimestampMs time, int64_t width_ms) {
  const int64_t into = (time - 1) % width_ms;
  return time - 1 - (into < 0 ? into + width_ms : into);
}

void RollupBuckets::Clear() {
  times.clear();
  on_end.clear();
  histograms.clear();
  for (std::vector<double>& column : values) column.clear();
}

void RollupBuckets::Open(TimestampMs start, double value) {
  times.push_back(start);
  for (std::vector<double>& column : values) column.push_back(0);
  values[kFirst].back() = values[kMin].back() = values[kMax].back() = value;
}

void RollupBuckets::SetEnd(size_t bucket, bool has) {
  if (on_end.size() * 8 <= bucket) on_end.resize(bucket / 8 + 1);
  const unsigned bit = 1U << bucket % 8;
  const auto byte = static_cast<uint8_t>(on_end[bucket / 8]);
  on_end[bucket / 8] = static_cast<char>(has ? byte | bit : byte & ~bit);
}

bool RollupBuckets::Contest(RollupBuckets* older) {
  const size_t before = older->size() + older->histograms.size();
  std::vector<bool> lost(size());
  older->Filter([&](size_t k) {
    const auto at = std::lower_bound(times.begin(), times.end(), older->times[k]);
    if (at == times.end() || *at != older->times[k]) return true;
    const auto mine = static_cast<size_t>(at - times.begin());
    lost[mine] = older->values[kCount][k] > values[kCount][mine];
    return static_cast<bool>(lost[mine]);
  });
  Filter([&](size_t k) { return !lost[k]; });
  std::erase_if(older->histograms, [this](const HistogramSample& one) {
    return std::any_of(histograms.begin(), histograms.end(), [&one](const HistogramSample& mine) {
      return mine.timestamp == one.timestamp;
    });
  });
  return older->size() + older->histograms.size() < before;
}

void RollupBuckets::Add(const SampleColumns& samples, int64_t width_ms) {
  bool has_before = false;
  double before = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double value = samples.values[i];
    if (IsStaleNaN(value)) continue;
    const TimestampMs start = BucketOf(samples.timestamps[i], width_ms);
    if (times.empty() || times.back() != start) Open(start, value);
    SetEnd(size() - 1, samples.timestamps[i] == start + width_ms);
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
  const size_t first = histograms.size();
  for (const HistogramSample& sample : samples.histograms) {
    const TimestampMs start = BucketOf(sample.timestamp, width_ms);
    if (histograms.empty() || histograms.back().timestamp != start) {
      histograms.push_back({start, sample.histogram});
    } else {
      histograms.back().histogram = sample.histogram;
    }
  }
  for (size_t k = first; k < histograms.size(); ++k) ForgetReset(&histograms[k]);
}

}  // namespace vigil::postgres
