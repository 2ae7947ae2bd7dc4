// SPDX-License-Identifier: Apache-2.0
// Turns one exposition page into rows of a sample batch.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "client-lib/base/result.h"
#include "client-lib/model/labels.h"
#include "server/scrape/metadata_cache.h"
#include "server/scrape/scrape_cache.h"
#include "server/scrape/target.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

struct PageOutcome {
  size_t samples = 0;        // scrape_samples_scraped
  size_t after_relabel = 0;  // scrape_samples_post_metric_relabeling
  size_t series_added = 0;   // scrape_series_added
  size_t series_parsed = 0;  // lines that were not in the cache
  size_t duplicates = 0;     // the same series twice without timestamps
  size_t too_far_ahead = 0;  // explicit timestamps more than 10 minutes from now
  bool over_sample_limit = false;
  // Why the whole page is refused; the batch is of no use then.
  std::optional<Error> error;
};

// Everything of one target that reading a page needs.
struct PageContext {
  const TargetSpec& target;
  TimestampMs scrape_time;
  ScrapeCache& cache;       // its page is begun
  MetadataCache& metadata;  // its page is begun
};

// Keeps its buffers from page to page. It neither appends nor ends the pages of the caches: the
// caller decides.
// Threads: owner thread only.
class PageIngest {
 public:
  explicit PageIngest(storage::Appender& appender) : appender_(appender) {}
  // Adds the samples to *batch.
  PageOutcome Read(std::string_view page, const PageContext& context, storage::SampleBatch* batch);

 private:
  struct Page;
  void Sample(const exposition::Entry& entry, Page* page);
  // The cache index of a line that is new; kNone: it is not to be stored and not to be kept.
  Result<ScrapeCache::Index> NewSeries(std::string_view series, Page* page);

  storage::Appender& appender_;
  LabelsBuilder labels_;
};

}  // namespace vigil::scrape
