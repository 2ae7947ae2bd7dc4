// SPDX-License-Identifier: Apache-2.0
#include "server/head/head.h"

#include <algorithm>

#include "server/chunks/journal_page.h"
#include "server/head/head_state.h"

namespace vigil::head {

Head::Head(const Clock& clock, HeadOptions options)
    : state_(std::make_unique<State>(clock, options)) {}

Head::~Head() = default;

void Head::SetOutOfOrderWindow(int64_t window_ms) { state_->out_of_order_window_ms = window_ms; }

void Head::SetClassifier(Classifier classifier) {
  const auto shared = std::make_shared<const Classifier>(std::move(classifier));
  state_->classifier.Set(shared);  // first: series that come meanwhile are classified by it
  RunWalker walker(state_->slots);
  for (SeriesRef ref = 1; state_->slots.Has(ref); ++ref) {
    Series& series = walker.At(ref);
    series.retention_class = (*shared)(series.labels);
  }
}

storage::SeriesRef Head::Find(const Labels& labels) const { return state_->table.Find(labels); }

storage::SeriesRef Head::Insert(storage::SeriesId id, const Labels& labels,
                                TimestampMs stored_until) {
  MutexLock lock(state_->insert_mutex);
  const SeriesRef known = state_->table.Find(labels);
  if (known != 0) return known;
  const SeriesRef ref = state_->slots.Add(id, labels, stored_until);
  CHECK(ref != 0);  // 67 million series: memory ends long before
  if (const auto classifier = state_->classifier.Copy(); classifier != nullptr) {
    RunWalker(state_->slots).At(ref).retention_class = (*classifier)(labels);
  }
  // Published last, so that whoever finds the series finds it everywhere.
  state_->postings.Add(ref);
  state_->table.Add(ref);
  state_->sizes.label_bytes += static_cast<int64_t>(labels.HeapBytes());
  return ref;
}

void Head::RaiseStoredUntil(storage::SeriesRef ref, TimestampMs stored_until) {
  RunWalker walker(state_->slots);
  Series& series = walker.At(ref);
  series.stored_until = std::max(series.stored_until, stored_until);
}

size_t Head::series_count() const { return state_->slots.size(); }
size_t Head::CountWith(std::string_view name, std::string_view value) const {
  return state_->postings.Count(name, value);
}
const Labels& Head::labels(storage::SeriesRef ref) const { return state_->slots.labels(ref); }
storage::SeriesId Head::id(storage::SeriesRef ref) const { return state_->slots.id(ref); }
uint16_t Head::retention_class(storage::SeriesRef ref) const {
  return RunWalker(state_->slots).At(ref).retention_class;
}

void Head::EncodePages(const storage::AcceptedSamples& samples,
                       std::vector<std::string>* pages) const {
  chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, pages);
  if (samples.histograms.empty()) return;
  chunks::EncodeHistogramJournalPages(samples.histogram_series, samples.histograms, pages);
}

Result<storage::ReplayedPage> Head::Replay(std::string_view page) {
  State& state = *state_;
  if (state.replayer == nullptr) state.replayer = std::make_unique<Replayer>(state.slots);
  const ReplayGrowth growth = TRY(state.replayer->Add(page, state.generation.load()));
  if (growth.samples > 0) state.times.Include(growth.min_time, growth.max_time);
  state.sizes.unflushed_samples += static_cast<int64_t>(growth.samples);
  state.sizes.sample_bytes += static_cast<int64_t>(growth.bytes);
  return storage::ReplayedPage{growth.samples, growth.unknown_series};
}

storage::ReplayedPage Head::FinishReplay() {
  State& state = *state_;
  state.order.Refresh();
  const storage::ReplayedPage rest{FinishReplayer(), 0};
  RunWalker walker(state.slots);
  for (SeriesRef ref = 1; state.slots.Has(ref); ++ref) {
    Series& series = walker.At(ref);
    if (series.FirstTime() != INT64_MAX) continue;
    series.generation = kIdleGeneration;
    ++state.sizes.idle_series;
  }
  return rest;
}

// Returns how many samples came.
size_t Head::FinishReplayer() {
  State& state = *state_;
  if (state.replayer == nullptr) return 0;
  const ReplayGrowth growth = state.replayer->Finish(state.generation.load());
  if (growth.samples > 0) state.times.Include(growth.min_time, growth.max_time);
  state.sizes.unflushed_samples += static_cast<int64_t>(growth.samples);
  state.sizes.sample_bytes += static_cast<int64_t>(growth.bytes);
  state.replayer.reset();
  return growth.samples;
}

storage::RecentStats Head::Stats() const {
  const State& state = *state_;
  const auto unsign = [](const std::atomic<int64_t>& size) {
    return static_cast<uint64_t>(std::max<int64_t>(0, size.load()));
  };
  storage::RecentStats stats;
  stats.series = state.slots.size();
  const Postings::Size index = state.postings.size();
  stats.label_names = index.names;
  stats.label_pairs = index.pairs;
  stats.idle_series = unsign(state.sizes.idle_series);
  stats.open_samples = unsign(state.sizes.unflushed_samples);
  stats.sealed_chunks = unsign(state.sizes.sealed_chunks);
  stats.sample_bytes = unsign(state.sizes.sample_bytes);
  // A slot, an entry of the table at a typical fill, and what labels and postings take.
  stats.index_bytes =
      stats.series * (sizeof(Series) + 12) + index.bytes + unsign(state.sizes.label_bytes);
  const TimestampMs max = state.times.max.load();
  if (max != INT64_MIN) {
    stats.min_time = std::min(state.times.min.load(), max);
    stats.max_time = max;
  }
  return stats;
}

}  // namespace vigil::head
