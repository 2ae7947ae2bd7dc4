// SPDX-License-Identifier: Apache-2.0
// What the scraper counts about itself, as values for /metrics. Each field names its metric.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vigil::scrape {

// Real distance between two scrapes of a target, per configured interval:
// prometheus_target_interval_length_seconds{interval,quantile}, _sum, _count.
struct IntervalLength {
  uint64_t count = 0;
  double sum_seconds = 0;
  std::vector<double> recent;  // the newest up to 512 values, unsorted: for the quantiles
  // q-th quantile of the recent ones; NaN when there are none.
  [[nodiscard]] double Quantile(double q) const;
  void Add(const IntervalLength& other);
};

struct Stats {
  // prometheus_target_scrape_pools_total, prometheus_target_scrape_pool_targets{scrape_job}
  std::map<std::string, uint64_t> pool_targets;
  // prometheus_target_scrape_pool_exceeded_target_limit_total
  uint64_t pools_exceeded_target_limit = 0;
  // prometheus_target_sync_failed_total{scrape_job}: targets left out for bad labels
  std::map<std::string, uint64_t> sync_failed;
  // prometheus_target_scrapes_sample_duplicate_timestamp_total, _sample_out_of_order_total,
  // _sample_out_of_bounds_total
  uint64_t sample_duplicate_timestamp = 0;
  uint64_t sample_out_of_order = 0;
  uint64_t sample_out_of_bounds = 0;
  // prometheus_target_scrapes_exceeded_sample_limit_total, _exceeded_body_size_limit_total
  uint64_t exceeded_sample_limit = 0;
  uint64_t exceeded_body_size_limit = 0;
  // prometheus_target_metadata_cache_entries (all jobs together)
  uint64_t metadata_cache_entries = 0;
  // prometheus_target_interval_length_seconds by the interval's text ("15s")
  std::map<std::string, IntervalLength> interval_lengths;

  // Vigil's own: vigil_scrapes_total, vigil_scrape_failures_total, vigil_scrape_skipped_total
  // (the scrape before was still running), vigil_scrape_samples_total,
  // vigil_scrape_series_parsed_total (lines that were not in a cache), vigil_scrape_cache_series,
  // vigil_scrape_append_failures_total (the store took nothing), vigil_scrape_series_refused_total
  // (new series that the store did not take; each counts with every scrape),
  // vigil_scrape_bad_histograms_total (native ones that are not well formed).
  uint64_t scrapes = 0;
  uint64_t failures = 0;
  uint64_t skipped = 0;
  uint64_t samples = 0;
  uint64_t series_parsed = 0;
  uint64_t cache_series = 0;
  uint64_t append_failures = 0;
  uint64_t series_refused = 0;
  uint64_t bad_histograms = 0;

  // What the loops count; the values per pool are not theirs.
  void Add(const Stats& loop);
};

}  // namespace vigil::scrape
