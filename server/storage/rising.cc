// SPDX-License-Identifier: Apache-2.0
#include "server/storage/rising.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace vigil::storage {
namespace {

bool FloatsRise(size_t begin, const SampleColumns& samples) {
  const auto from = samples.timestamps.begin() + static_cast<ptrdiff_t>(begin);
  return std::adjacent_find(from, samples.timestamps.end(), std::greater_equal<>()) ==
         samples.timestamps.end();
}

void SortFloats(size_t begin, SampleColumns* samples) {
  std::vector<uint32_t> order(samples->size() - begin);
  std::iota(order.begin(), order.end(), 0U);
  const TimestampMs* const times = samples->timestamps.data() + begin;
  std::stable_sort(order.begin(), order.end(),
                   [times](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  SampleColumns sorted;
  for (const uint32_t i : order) {
    if (!sorted.empty() && sorted.timestamps.back() == times[i]) continue;
    sorted.Add(times[i], samples->values[begin + i]);
  }
  samples->timestamps.resize(begin);
  samples->values.resize(begin);
  samples->timestamps.insert(samples->timestamps.end(), sorted.timestamps.begin(),
                             sorted.timestamps.end());
  samples->values.insert(samples->values.end(), sorted.values.begin(), sorted.values.end());
}

void SortHistograms(size_t begin, std::vector<HistogramSample>* samples) {
  const auto from = samples->begin() + static_cast<ptrdiff_t>(begin);
  const auto rises = [](const HistogramSample& a, const HistogramSample& b) {
    return a.timestamp < b.timestamp;
  };
  const auto falls = [&](const HistogramSample& a, const HistogramSample& b) {
    return !rises(a, b);
  };
  if (std::adjacent_find(from, samples->end(), falls) == samples->end()) return;
  std::stable_sort(from, samples->end(), rises);
  const auto same = [](const HistogramSample& a, const HistogramSample& b) {
    return a.timestamp == b.timestamp;
  };
  samples->erase(std::unique(from, samples->end(), same), samples->end());
}

// A timestamp has one sample.
void DropHistogramsAtFloats(const ColumnsMark& begin, SampleColumns* samples) {
  const auto first = samples->timestamps.begin() + static_cast<ptrdiff_t>(begin.floats);
  auto& histograms = samples->histograms;
  const auto from = histograms.begin() + static_cast<ptrdiff_t>(begin.histograms);
  histograms.erase(std::remove_if(from, histograms.end(),
                                  [&](const HistogramSample& sample) {
                                    return std::binary_search(first, samples->timestamps.end(),
                                                              sample.timestamp);
                                  }),
                   histograms.end());
}

}  // namespace

void MakeRising(const ColumnsMark& begin, SampleColumns* samples) {
  if (!FloatsRise(begin.floats, *samples)) SortFloats(begin.floats, samples);
  if (samples->histograms.size() == begin.histograms) return;
  SortHistograms(begin.histograms, &samples->histograms);
  if (samples->size() > begin.floats) DropHistogramsAtFloats(begin, samples);
}

}  // namespace vigil::storage
