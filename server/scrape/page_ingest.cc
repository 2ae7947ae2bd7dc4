// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/page_ingest.h"

#include <bit>
#include <functional>
#include <type_traits>
#include <utility>

#include "server/scrape/series_labels.h"

namespace vigil::scrape {
namespace {

constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;
constexpr size_t kMaxUntimedExemplars = 100'000;

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
  if (context.format == exposition::Format::kOpenMetrics) {
    exposition::OpenMetricsReader reader(text);
    ReadLines(&reader, &page);
  } else {
    // Upstream reads a last line without its newline, and exporters written by hand rely on it.
    exposition::TextReader reader(text, exposition::LastLine::kMayLackNewline);
    ReadLines(&reader, &page);
  }
  if (!page.outcome.error && page.outcome.over_sample_limit) {
    page.outcome.error = BadData("sample limit exceeded");
  }
  return page.outcome;
}

template <typename Reader>
void PageIngest::ReadLines(Reader* reader, Page* page) {
  while (!page->outcome.error) {
    const Result<exposition::Entry> entry = reader->Next();
    if (!entry) {
      page->outcome.error = entry.error();
      break;
    }
    if (entry->kind == exposition::EntryKind::kEnd) break;
    if (entry->kind == exposition::EntryKind::kSample) {
      const storage::SeriesRef ref = Sample(*entry, page);
      if constexpr (std::is_same_v<Reader, exposition::OpenMetricsReader>) {
        if (reader->exemplar() != nullptr) Exemplar(*reader->exemplar(), ref, page);
      }
    } else {
      Declaration(*entry, page);
    }
    if (page->outcome.error) {
      page->outcome.error = page->outcome.error->Prefixed("line " + std::to_string(reader->line()));
    }
  }
}

void PageIngest::Declaration(const exposition::Entry& entry, Page* page) {
  MetadataCache& metadata = page->context.metadata;
  if (entry.kind == exposition::EntryKind::kHelp) {
    metadata.Help(entry.series, entry.help);
  } else if (entry.kind == exposition::EntryKind::kUnit) {
    metadata.Unit(entry.series, entry.help);
  } else {
    page->family = entry.type;
    metadata.Type(entry.series, entry.type);
  }
}

// Exemplars are extras: one that cannot be read does not cost the page.
void PageIngest::Exemplar(const exposition::ExemplarText& text, storage::SeriesRef ref,
                          Page* page) {
  if (ref == 0 || page->context.exemplars == nullptr) return;
  if (!exposition::ParseExemplarLabels(text.labels, &pairs_)) {
    ++page->outcome.bad_exemplars;
    return;
  }
  // Without a time of its own the same one would be a new one with every scrape.
  if (!text.timestamp && !IsNewExemplar(text, ref)) return;
  exemplar_labels_.Reset();
  for (const auto& [name, value] : pairs_) exemplar_labels_.Set(name, value);
  page->context.exemplars->refs.push_back(ref);
  page->context.exemplars->exemplars.push_back(
      {exemplar_labels_.Build(), text.value, text.timestamp.value_or(page->context.scrape_time)});
}

bool PageIngest::IsNewExemplar(const exposition::ExemplarText& text, storage::SeriesRef ref) {
  const size_t key =
      std::hash<std::string_view>()(text.labels) ^ std::bit_cast<uint64_t>(text.value);
  if (untimed_exemplars_.size() >= kMaxUntimedExemplars) untimed_exemplars_.clear();
  const auto [found, added] = untimed_exemplars_.try_emplace(ref, key);
  return added || std::exchange(found->second, key) != key;
}

storage::SeriesRef PageIngest::Sample(const exposition::Entry& entry, Page* page) {
  PageOutcome& outcome = page->outcome;
  ScrapeCache& cache = page->context.cache;
  ++outcome.samples;
  ScrapeCache::Index index = cache.Find(entry.series);
  if (index == ScrapeCache::kNone) {
    auto added = NewSeries(entry.series, page);
    if (!added) {
      outcome.error = added.error();
      return 0;
    }
    index = *added;
    if (index == ScrapeCache::kNone) return 0;
  }
  storage::SeriesRef ref = cache.ref(index);
  bool has_time = entry.timestamp.has_value() && page->job.honor_timestamps;
  bool seen = cache.Seen(index);
  if (!seen) {
    bool tracked = ref != 0 && (!has_time || page->job.track_timestamps_staleness);
    cache.MarkSeen(index, tracked);
  }
  if (ref == 0) return 0;
  ++outcome.after_relabel;
  if (page->job.sample_limit != 0 && outcome.after_relabel > page->job.sample_limit) {
    outcome.over_sample_limit = true;
    return 0;
  }
  if (seen && !has_time) {
    ++outcome.duplicates;
    return 0;
  }
  TimestampMs time = has_time ? *entry.timestamp : page->context.scrape_time;
  if (time > page->context.scrape_time + kMaxAheadMs) {
    ++outcome.too_far_ahead;
    return 0;
  }
  page->batch->Add(ref, time, entry.value);
  return ref;
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
  const Result<storage::SeriesRef> ref = appender_.Resolve(labels_.Build());
  if (!ref) {
    if (page->outcome.series_refused++ == 0) page->outcome.refusal = ref.error().message;
    return ScrapeCache::kNone;
  }
  ++page->outcome.series_added;
  return page->context.cache.Insert(series, *ref);
}

}  // namespace vigil::scrape
