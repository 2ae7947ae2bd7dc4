// SPDX-License-Identifier: Apache-2.0
#include "server/scrape/page_ingest.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "client-lib/exposition/line_text.h"
#include "client-lib/exposition/protobuf_reader.h"
#include "client-lib/model/histogram_buckets.h"
#include "client-lib/model/histogram_math.h"
#include "client-lib/model/histogram_text.h"
#include "server/scrape/series_labels.h"

namespace vigil::scrape {
namespace {

constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;
constexpr size_t kMaxUntimedExemplars = 100'000;

template <typename Reader>
constexpr bool kIsProtobuf = std::is_same_v<Reader, exposition::ProtobufReader>;

std::span<const exposition::ExemplarText> ExemplarsOf(const exposition::TextReader&) { return {}; }
std::span<const exposition::ExemplarText> ExemplarsOf(const exposition::OpenMetricsReader& reader) {
  if (reader.exemplar() == nullptr) return {};
  return {reader.exemplar(), 1};
}
std::span<const exposition::ExemplarText> ExemplarsOf(const exposition::ProtobufReader& reader) {
  return reader.exemplars();
}

template <typename Reader>
std::optional<TimestampMs> StartOf(const Reader& reader) {
  if constexpr (kIsProtobuf<Reader>) return reader.start_time();
  return std::nullopt;
}

template <typename Reader>
constexpr bool kIsOpenMetrics = std::is_same_v<Reader, exposition::OpenMetricsReader>;

exposition::NativeHistograms NativesOf(const TargetSpec& target) {
  using exposition::NativeHistograms;
  if (!target.native_histograms) return NativeHistograms::kIgnore;
  return target.always_classic ? NativeHistograms::kBeside : NativeHistograms::kPrefer;
}

// The finest schema whose buckets grow by the factor at least.
int32_t SchemaOf(double bucket_factor) {
  const double schema = std::floor(-std::log2(std::log2(bucket_factor)));
  return static_cast<int32_t>(std::clamp(schema, static_cast<double>(kMinExponentialSchema),
                                         static_cast<double>(kMaxExponentialSchema)));
}

// What is not well formed is refused; what is finer than the store has is made coarser.
Result<void> CheckScraped(HistogramPtr* histogram) {
  if (!IsFinerThanStored(**histogram)) return ValidateHistogram(**histogram);
  auto coarse = std::make_shared<Histogram>(**histogram);
  TRY(AdmitHistogram(coarse.get()));
  *histogram = std::move(coarse);
  return Ok();
}

// Makes it as coarse as the job's limits want. False when that cannot be. REQUIRES: CheckScraped(),
// which bounds its work.
bool FitToLimits(const config::ScrapeConfig& job, HistogramPtr* histogram) {
  const Histogram& h = **histogram;
  if (UsesCustomBuckets(h)) {
    const uint64_t most = job.native_histogram_bucket_limit;
    return most == 0 || h.positive_buckets.size() <= most;
  }
  int32_t schema = h.schema;
  if (job.native_histogram_min_bucket_factor > 1) {
    schema = std::min(schema, SchemaOf(job.native_histogram_min_bucket_factor));
  }
  const uint64_t limit = job.native_histogram_bucket_limit;
  const auto buckets = [](const Histogram& one) {
    return one.positive_buckets.size() + one.negative_buckets.size();
  };
  if (schema == h.schema && (limit == 0 || buckets(h) <= limit)) return true;
  auto coarse = std::make_shared<Histogram>(h);
  if (schema < h.schema) ReduceResolution(coarse.get(), schema);
  while (limit != 0 && buckets(*coarse) > limit) {
    if (coarse->schema <= kMinExponentialSchema) return false;
    ReduceResolution(coarse.get(), coarse->schema - 1);
  }
  *histogram = std::move(coarse);
  return true;
}

}  // namespace

// The state of one Read().
struct PageIngest::Page {
  const PageContext& context;
  const config::ScrapeConfig& job;
  storage::SampleBatch* batch;
  PageOutcome outcome;
  exposition::MetricType family = exposition::MetricType::kUnknown;
  // Of the sample that was admitted last.
  TimestampMs time = 0;
  TimestampMs newest = 0;  // the newest sample of its series before
};

PageOutcome PageIngest::Read(std::string_view text, const PageContext& context,
                             storage::SampleBatch* batch) {
  Page page{context, context.target.job->config(), batch, {}, exposition::MetricType::kUnknown, 0,
            0};
  if (context.format == exposition::Format::kOpenMetrics) {
    exposition::OpenMetricsReader reader(text);
    ReadLines(&reader, &page);
  } else if (context.format == exposition::Format::kProtobuf) {
    exposition::ProtobufReader reader(text, NativesOf(context.target));
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
  const bool gathers = page->context.target.convert_classic;
  if (gathers) classic_ = ClassicGather();
  if (page->context.zeros != nullptr) start_times_ = StartTimes();
  while (!page->outcome.error) {
    const Result<exposition::Entry> entry = reader->Next();
    if (!entry) {
      page->outcome.error = entry.error();
      break;
    }
    if (!gathers || !Gather(*entry, reader, page)) {
      if (entry->kind == exposition::EntryKind::kEnd) break;
      if (!page->outcome.error) ReadEntry(*entry, reader, page);
    }
    if constexpr (!kIsProtobuf<Reader>) {
      if (!page->outcome.error) continue;
      page->outcome.error = page->outcome.error->Prefixed("line " + std::to_string(reader->line()));
    }
  }
}

template <typename Reader>
void PageIngest::ReadEntry(const exposition::Entry& entry, Reader* reader, Page* page) {
  if (entry.kind != exposition::EntryKind::kSample) return Declaration(entry, page);
  HistogramPtr histogram;
  if constexpr (kIsProtobuf<Reader>) histogram = reader->histogram();
  storage::SampleBatch* const zeros = page->context.zeros;
  if constexpr (kIsOpenMetrics<Reader>) {
    if (zeros != nullptr && start_times_.TakeCreated(entry, zeros)) return;
  }
  const storage::SeriesRef ref = Sample(entry, histogram, page);
  if (zeros != nullptr) Start(entry, ref, std::move(histogram), StartOf(*reader), page);
  for (const exposition::ExemplarText& one : ExemplarsOf(*reader)) Exemplar(one, ref, page);
}

template <typename Reader>
bool PageIngest::Gather(const exposition::Entry& entry, Reader* reader, Page* page) {
  bool native = false;
  if constexpr (kIsProtobuf<Reader>) native = reader->histogram() != nullptr;
  const ClassicGather::Seen seen = classic_.Look(entry, native);
  if (seen.ends_before) {
    const ClassicGather::Finished before = classic_.Take();
    // Of lines that make up no histogram nothing is left, as upstream.
    if (before.histogram != nullptr) {
      const storage::SeriesRef ref = Sample(before.entry, before.histogram, page);
      Start(before.entry, ref, before.histogram, classic_start_, page);
      for (const exposition::ExemplarText& one : before.exemplars) Exemplar(one, ref, page);
    }
  }
  if (!seen.part) return false;
  classic_.Add(entry);
  classic_start_ = StartOf(*reader);
  for (const exposition::ExemplarText& one : ExemplarsOf(*reader)) classic_.AddExemplar(one);
  return !page->context.target.always_classic;
}

void PageIngest::Start(const exposition::Entry& entry, storage::SeriesRef ref,
                       HistogramPtr histogram, std::optional<TimestampMs> start, Page* page) {
  if (ref == 0 || page->context.zeros == nullptr) return;
  StartedSample sample{ref, page->time, page->newest, std::move(histogram)};
  if (start) {
    if (*start != 0) StartTimes::AddZero(sample, *start, page->context.zeros);
  } else if (page->context.format == exposition::Format::kOpenMetrics) {
    start_times_.Remember(entry, std::move(sample));
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
    if (page->context.zeros != nullptr) start_times_.BeginFamily(entry);
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

storage::SeriesRef PageIngest::Sample(const exposition::Entry& entry, HistogramPtr histogram,
                                      Page* page) {
  TimestampMs time = 0;
  const storage::SeriesRef ref = Admit(entry, page, &time);
  if (ref == 0) return 0;
  if (histogram == nullptr) {
    page->batch->Add(ref, time, entry.value);
    return ref;
  }
  if (Result<void> checked = CheckScraped(&histogram); !checked) {
    ++page->outcome.bad_histograms;
    page->outcome.error = checked.error().Prefixed(
        "native histogram " + exposition::Shown(entry.series) + " is not well formed");
    return 0;
  }
  if (!FitToLimits(page->job, &histogram)) {
    page->outcome.error = BadData("histogram bucket limit exceeded");
    return 0;
  }
  page->batch->Add(ref, time, std::move(histogram));
  return ref;
}

storage::SeriesRef PageIngest::Admit(const exposition::Entry& entry, Page* page,
                                     TimestampMs* time) {
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
  if (seen) {
    // Its zero is that of its first line.
    page->newest = std::numeric_limits<TimestampMs>::max();
  } else {
    page->newest = cache.WasThere(index) ? page->context.last_good_page
                                         : std::numeric_limits<TimestampMs>::min();
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
  *time = has_time ? *entry.timestamp : page->context.scrape_time;
  page->time = *time;
  if (*time > page->context.scrape_time + kMaxAheadMs) {
    ++outcome.too_far_ahead;
    return 0;
  }
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
