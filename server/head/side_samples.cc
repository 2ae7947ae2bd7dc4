// SPDX-License-Identifier: Apache-2.0
#include "server/head/side_samples.h"

#include <algorithm>

namespace vigil::head {
namespace {

// What a late histogram is taken for: they are few.
constexpr size_t kLateHistogramBytes = 512;

template <typename T>
bool InsertByTime(const T& sample, std::vector<T>* samples) {
  const auto place =
      std::lower_bound(samples->begin(), samples->end(), sample.timestamp,
                       [](const T& a, TimestampMs time) { return a.timestamp < time; });
  if (place != samples->end() && place->timestamp == sample.timestamp) return false;
  samples->insert(place, sample);
  return true;
}

}  // namespace

size_t SideSamples::Append(const HistogramSample& sample) {
  return histograms_.Append(sample.timestamp, sample.histogram);
}

size_t SideSamples::AddLate(const Sample& sample) {
  const size_t before = late_.capacity();
  InsertByTime(sample, &late_);
  return (late_.capacity() - before) * sizeof(Sample);
}

size_t SideSamples::AddLate(const HistogramSample& sample) {
  return InsertByTime(sample, &late_histograms_) ? kLateHistogramBytes : 0;
}

void SideSamples::Reset() {
  histograms_.Reset();
  std::vector<Sample>().swap(late_);
  std::vector<HistogramSample>().swap(late_histograms_);
}

TimestampMs SideSamples::first_time() const {
  TimestampMs first = histograms_.empty() ? INT64_MAX : histograms_.first_time();
  if (!late_.empty()) first = std::min(first, late_.front().timestamp);
  if (!late_histograms_.empty()) first = std::min(first, late_histograms_.front().timestamp);
  return first;
}

TimestampMs SideSamples::last_time() const {
  TimestampMs last = histograms_.empty() ? INT64_MIN : histograms_.last_time();
  if (!late_.empty()) last = std::max(last, late_.back().timestamp);
  if (!late_histograms_.empty()) last = std::max(last, late_histograms_.back().timestamp);
  return last;
}

size_t SideSamples::heap_bytes() const {
  return histograms_.capacity() + late_.capacity() * sizeof(Sample) +
         late_histograms_.size() * kLateHistogramBytes;
}

}  // namespace vigil::head
