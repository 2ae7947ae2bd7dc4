// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/stats.h"

#include <algorithm>
#include <cmath>

namespace vigil::scrape {

double IntervalLength::Quantile(double q) const {
  if (recent.empty()) return std::nan("");
  std::vector<double> sorted = recent;
  std::sort(sorted.begin(), sorted.end());
  auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

void IntervalLength::Add(const IntervalLength& other) {
  count += other.count;
  sum_seconds += other.sum_seconds;
  recent.insert(recent.end(), other.recent.begin(), other.recent.end());
}

void Stats::Add(const Stats& loop) {
  sample_duplicate_timestamp += loop.sample_duplicate_timestamp;
  sample_out_of_order += loop.sample_out_of_order;
  sample_out_of_bounds += loop.sample_out_of_bounds;
  exceeded_sample_limit += loop.exceeded_sample_limit;
  exceeded_body_size_limit += loop.exceeded_body_size_limit;
  metadata_cache_entries += loop.metadata_cache_entries;
  for (const auto& [interval, length] : loop.interval_lengths) {
    interval_lengths[interval].Add(length);
  }
  scrapes += loop.scrapes;
  failures += loop.failures;
  skipped += loop.skipped;
  samples += loop.samples;
  series_parsed += loop.series_parsed;
  cache_series += loop.cache_series;
  append_failures += loop.append_failures;
  series_refused += loop.series_refused;
  bad_histograms += loop.bad_histograms;
}

}  // namespace vigil::scrape
