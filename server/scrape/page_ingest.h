// SPDX-License-Identifier: Apache-2.0
// Turns one exposition page into rows of a sample batch.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "client-lib/base/result.h"
#include "client-lib/exposition/content_type.h"
#include "client-lib/exposition/open_metrics_reader.h"
#include "client-lib/model/labels.h"
#include "server/scrape/classic_gather.h"
#include "server/scrape/metadata_cache.h"
#include "server/scrape/scrape_cache.h"
#include "server/scrape/start_times.h"
#include "server/scrape/target.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

struct PageOutcome {
  size_t samples = 0;         // scrape_samples_scraped
  size_t after_relabel = 0;   // scrape_samples_post_metric_relabeling
  size_t series_added = 0;    // scrape_series_added
  size_t series_parsed = 0;   // lines that were not in the cache
  size_t series_refused = 0;  // new ones that the store did not take
  std::string refusal;        // why the first of them was not taken
  size_t duplicates = 0;      // the same series twice without timestamps
  size_t too_far_ahead = 0;   // explicit timestamps more than 10 minutes from now
  size_t bad_exemplars = 0;   // their labels cannot be read
  size_t bad_histograms = 0;  // native ones that are not well formed; the first is the error
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
  exposition::Format format = exposition::Format::kText;
  storage::ExemplarBatch* exemplars = nullptr;  // null: they are left out
  // Zeros where series began to count, to be appended before the batch. Null: there are none.
  storage::SampleBatch* zeros = nullptr;
  TimestampMs last_good_page = 0;  // the time of the cache's
};

// Keeps its buffers from page to page. It neither appends nor ends the pages of the caches: the
// caller decides.
// Threads: owner thread only.
class PageIngest {
 public:
  explicit PageIngest(storage::Appender& appender) : appender_(appender) {}
  // Adds the samples to *batch, and exemplars to the context's.
  PageOutcome Read(std::string_view page, const PageContext& context, storage::SampleBatch* batch);
  // Exemplars that were seen before count as new: the batch with them was not appended.
  void ForgetExemplars() { untimed_exemplars_.clear(); }

 private:
  struct Page;
  template <typename Reader>
  void ReadLines(Reader* reader, Page* page);
  // One entry of the page.
  template <typename Reader>
  void ReadEntry(const exposition::Entry& entry, Reader* reader, Page* page);
  // True: the entry is part of a classic histogram that is stored as a native one only.
  template <typename Reader>
  bool Gather(const exposition::Entry& entry, Reader* reader, Page* page);
  // HELP, TYPE, UNIT.
  void Declaration(const exposition::Entry& entry, Page* page);
  // Returns the series of a sample that was added to the batch, else 0. histogram is null for
  // floats.
  storage::SeriesRef Sample(const exposition::Entry& entry, HistogramPtr histogram, Page* page);
  // The series and the time of a sample that is to be added, or 0.
  storage::SeriesRef Admit(const exposition::Entry& entry, Page* page, TimestampMs* time);
  // Of the sample that Sample() has added as `ref`; `start` is what the page says with it.
  void Start(const exposition::Entry& entry, storage::SeriesRef ref, HistogramPtr histogram,
             std::optional<TimestampMs> start, Page* page);
  void Exemplar(const exposition::ExemplarText& text, storage::SeriesRef ref, Page* page);
  bool IsNewExemplar(const exposition::ExemplarText& text, storage::SeriesRef ref);
  // The cache index of a line that is new; kNone: it is not to be stored and not to be kept. Series
  // that the store refuses (a limit, the database is away) do not keep the others from going on.
  Result<ScrapeCache::Index> NewSeries(std::string_view series, Page* page);

  storage::Appender& appender_;
  LabelsBuilder labels_;
  ClassicGather classic_;
  std::optional<TimestampMs> classic_start_;  // of what is gathered
  StartTimes start_times_;
  LabelsBuilder exemplar_labels_;
  exposition::SeriesPairs pairs_;  // of an exemplar
  // Hashes of the last exemplars that had no time, by series.
  std::unordered_map<storage::SeriesRef, size_t> untimed_exemplars_;
};

}  // namespace vigil::scrape
