// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/page_ingest.h"

#include "server/scrape/series_labels.h"

namespace vigil::scrape {
namespace {

constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;

}  // namespace

// The state of one Read().
struct PageIngest::Page {
  const PageContext& context;
  const config::ScrapeConfig& job;
  storage::SampleBatch* batch;
  PageOutcome outcome;
  exposition::MetricType family = exposition::MetricType::kUnknown;
};

PageOutcome PageIngest::Read(std::string_view text, const PageContext& context,
                             storage::SampleBatch* batch) {
  Page page{context, context.target.job->config(), batch, {}, exposition::MetricType::kUnknown};
  // Upstream reads a last line without its newline, and exporters written by hand rely on it.
  exposition::TextReader reader(text, exposition::LastLine::kMayLackNewline);
  while (!page.outcome.error) {
    Result<exposition::Entry> entry = reader.Next();
    if (!entry) {
      page.outcome.error = entry.error();
      break;
    }
    if (entry->kind == exposition::EntryKind::kEnd) break;
    switch (entry->kind) {
      case exposition::EntryKind::kSample:
        Sample(*entry, &page);
        break;
      case exposition::EntryKind::kHelp:
        context.metadata.Help(entry->series, entry->help);
        break;
      case exposition::EntryKind::kType:
        page.family = entry->type;
        context.metadata.Type(entry->series, entry->type);
        break;
      case exposition::EntryKind::kEnd:
        break;
    }
    if (page.outcome.error)
      page.outcome.error = page.outcome.error->Prefixed("line " + std::to_string(reader.line()));
  }
  if (!page.outcome.error && page.outcome.over_sample_limit) {
    page.outcome.error = BadData("sample limit exceeded");
  }
  return page.outcome;
}

void PageIngest::Sample(const exposition::Entry& entry, Page* page) {
  PageOutcome& outcome = page->outcome;
  ScrapeCache& cache = page->context.cache;
  ++outcome.samples;
  ScrapeCache::Index index = cache.Find(entry.series);
  if (index == ScrapeCache::kNone) {
    auto added = NewSeries(entry.series, page);
    if (!added) {
      outcome.error = added.error();
      return;
    }
    index = *added;
    if (index == ScrapeCache::kNone) return;
  }
  storage::SeriesRef ref = cache.ref(index);
  bool has_time = entry.timestamp.has_value() && page->job.honor_timestamps;
  bool seen = cache.Seen(index);
  if (!seen) {
    bool tracked = ref != 0 && (!has_time || page->job.track_timestamps_staleness);
    cache.MarkSeen(index, tracked);
  }
  if (ref == 0) return;
  ++outcome.after_relabel;
  if (page->job.sample_limit != 0 && outcome.after_relabel > page->job.sample_limit) {
    outcome.over_sample_limit = true;
    return;
  }
  if (seen && !has_time) {
    ++outcome.duplicates;
    return;
  }
  TimestampMs time = has_time ? *entry.timestamp : page->context.scrape_time;
  if (time > page->context.scrape_time + kMaxAheadMs) {
    ++outcome.too_far_ahead;
    return;
  }
  page->batch->Add(ref, time, entry.value);
}

Result<ScrapeCache::Index> PageIngest::NewSeries(std::string_view series, Page* page) {
  ++page->outcome.series_parsed;
  bool kept =
      TRY(MakeSeriesLabels(series, page->family, page->context.target.labels, page->job, &labels_));
  if (!kept) return page->context.cache.Insert(series, 0);
  if (page->job.sample_limit != 0 && page->outcome.after_relabel >= page->job.sample_limit) {
    // The page is lost: count it to its end, but create no series for it.
    ++page->outcome.after_relabel;
    page->outcome.over_sample_limit = true;
    return ScrapeCache::kNone;
  }
  storage::SeriesRef ref = TRY(appender_.Resolve(labels_.Build()));
  ++page->outcome.series_added;
  return page->context.cache.Insert(series, ref);
}

}  // namespace vigil::scrape
