// SPDX-License-Identifier: Apache-2.0
#include "server/head/head.h"

#include <algorithm>
#include <numeric>

#include "server/chunks/journal_page.h"
#include "server/head/head_state.h"

namespace vigil::head {
namespace {

using storage::AppendMode;
using storage::AppendOutcome;
using storage::SampleBatch;
using storage::SampleVerdict;

// The times a batch may have.
struct Bounds {
  TimestampMs low = INT64_MIN;
  TimestampMs high = INT64_MAX;
};

Bounds BoundsOf(TimestampMs now, TimestampMs newest, const HeadOptions& options) {
  Bounds bounds;
  if (now < INT64_MAX - options.max_ahead_ms) bounds.high = now + options.max_ahead_ms;
  if (options.max_behind_ms > 0 && newest > INT64_MIN + options.max_behind_ms) {
    bounds.low = newest - options.max_behind_ms;
  }
  return bounds;
}

SampleVerdict Judge(TimestampMs timestamp, double value, TimestampMs last_time, double last_value,
                    const Bounds& bounds) {
  if (timestamp < bounds.low || timestamp > bounds.high) return SampleVerdict::kOutOfBounds;
  if (timestamp > last_time) return SampleVerdict::kAccepted;
  if (timestamp < last_time) return SampleVerdict::kOutOfOrder;
  return SameBits(value, last_value) ? SampleVerdict::kDuplicateSame : SampleVerdict::kDuplicate;
}

void Count(SampleVerdict verdict, size_t index, AppendOutcome* outcome) {
  switch (verdict) {
    case SampleVerdict::kAccepted:
      ++outcome->accepted;
      return;
    case SampleVerdict::kDuplicateSame:
      ++outcome->duplicates_same;
      return;
    case SampleVerdict::kOutOfOrder:
      ++outcome->out_of_order;
      break;
    case SampleVerdict::kDuplicate:
      ++outcome->duplicates;
      break;
    case SampleVerdict::kOutOfBounds:
      ++outcome->out_of_bounds;
      break;
    case SampleVerdict::kUnknownSeries:
      ++outcome->unknown_series;
      break;
  }
  if (outcome->first_reason != SampleVerdict::kAccepted && outcome->first_rejected <= index) return;
  outcome->first_rejected = index;
  outcome->first_reason = verdict;
}

// The batch series by series, each in the order of the batch.
std::vector<uint32_t> GroupedOrder(const SampleBatch& batch) {
  std::vector<uint32_t> order(batch.size());
  std::iota(order.begin(), order.end(), 0U);
  if (!std::is_sorted(batch.refs.begin(), batch.refs.end())) {
    std::stable_sort(order.begin(), order.end(),
                     [&batch](uint32_t a, uint32_t b) { return batch.refs[a] < batch.refs[b]; });
  }
  return order;
}

// Judges every sample as if those before it had been taken, and takes none.
AppendOutcome Check(const SampleBatch& batch, const Bounds& bounds, const SeriesSlots& slots) {
  AppendOutcome outcome;
  RunWalker walker(slots);
  SeriesRef current = 0;
  TimestampMs last_time = 0;
  double last_value = 0;
  for (const uint32_t i : GroupedOrder(batch)) {
    const SeriesRef ref = batch.refs[i];
    if (!slots.Has(ref)) {
      Count(SampleVerdict::kUnknownSeries, i, &outcome);
      continue;
    }
    if (ref != current) {
      const SampleStream& open = walker.At(ref).open;
      current = ref;
      last_time = open.last_time();
      last_value = open.last_value();
    }
    const SampleVerdict verdict =
        Judge(batch.timestamps[i], batch.values[i], last_time, last_value, bounds);
    Count(verdict, i, &outcome);
    if (verdict != SampleVerdict::kAccepted) continue;
    last_time = batch.timestamps[i];
    last_value = batch.values[i];
  }
  return outcome;
}

}  // namespace

Head::Head(const Clock& clock, HeadOptions options)
    : state_(std::make_unique<State>(clock, options)) {}

Head::~Head() = default;

void Head::State::SealOpen(Series* series) {
  const SampleStream& open = series->open;
  SealedRef chunk =
      SealedRef::Create(series->generation, open.first_time(), open.last_time(), open.count(),
                        SealedChunk::Format::kStream, 0,
                        std::string_view(reinterpret_cast<const char*>(open.data()), open.size()));
  sizes.sample_bytes +=
      static_cast<int64_t>(chunk->heap_bytes()) - static_cast<int64_t>(open.capacity());
  ++sizes.sealed_chunks;
  chunk.SetOlder(std::move(series->sealed));
  series->sealed = std::move(chunk);
  series->open.Reset();
}

storage::SeriesRef Head::Find(const Labels& labels) const { return state_->table.Find(labels); }

storage::SeriesRef Head::Insert(storage::SeriesId id, const Labels& labels,
                                TimestampMs stored_until) {
  MutexLock lock(state_->insert_mutex);
  const SeriesRef known = state_->table.Find(labels);
  if (known != 0) return known;
  const SeriesRef ref = state_->slots.Add(id, labels, stored_until);
  CHECK(ref != 0);  // 67 million series: memory ends long before
  // Published last, so that whoever finds the series finds it everywhere.
  state_->postings.Add(ref);
  state_->table.Add(ref);
  state_->sizes.label_bytes += static_cast<int64_t>(labels.HeapBytes());
  return ref;
}

size_t Head::series_count() const { return state_->slots.size(); }
const Labels& Head::labels(storage::SeriesRef ref) const { return state_->slots.labels(ref); }
storage::SeriesId Head::id(storage::SeriesRef ref) const { return state_->slots.id(ref); }

storage::AppendOutcome Head::Append(const storage::SampleBatch& batch, storage::AppendMode mode,
                                    storage::AcceptedSamples* accepted) {
  State& state = *state_;
  const Bounds bounds = BoundsOf(state.clock.Now(), state.times.max.load(), state.options);
  if (mode == AppendMode::kAllOrNothing) {
    AppendOutcome outcome = Check(batch, bounds, state.slots);
    if (outcome.rejected() > 0) {
      outcome.accepted = 0;
      outcome.duplicates_same = 0;
      return outcome;
    }
  }
  AppendOutcome outcome;
  const uint64_t generation = state.generation.load(std::memory_order_relaxed);
  size_t grown = 0;
  TimestampMs low = INT64_MAX;
  TimestampMs high = INT64_MIN;
  {
    RunWalker walker(state.slots);
    for (size_t i = 0; i < batch.size(); ++i) {
      const SeriesRef ref = batch.refs[i];
      if (!state.slots.Has(ref)) {
        Count(SampleVerdict::kUnknownSeries, i, &outcome);
        continue;
      }
      Series& series = walker.At(ref);
      const TimestampMs timestamp = batch.timestamps[i];
      const double value = batch.values[i];
      const SampleVerdict verdict =
          Judge(timestamp, value, series.open.last_time(), series.open.last_value(), bounds);
      Count(verdict, i, &outcome);
      if (verdict != SampleVerdict::kAccepted) continue;
      state.SealIfOlder(&series, generation);
      grown += series.open.Append(timestamp, value);
      low = std::min(low, timestamp);
      high = std::max(high, timestamp);
      accepted->series.push_back(series.id);
      accepted->timestamps.push_back(timestamp);
      accepted->values.push_back(value);
    }
  }
  if (outcome.accepted == 0) return outcome;
  state.times.Include(low, high);
  state.sizes.unflushed_samples += static_cast<int64_t>(outcome.accepted);
  state.sizes.sample_bytes += static_cast<int64_t>(grown);
  return outcome;
}

void Head::EncodePages(const storage::AcceptedSamples& samples,
                       std::vector<std::string>* pages) const {
  chunks::EncodeJournalPages(samples.series, samples.timestamps, samples.values, pages);
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

void Head::FinishReplay() {
  State& state = *state_;
  state.order.Refresh();
  if (state.replayer == nullptr) return;
  const ReplayGrowth growth = state.replayer->Finish(state.generation.load());
  if (growth.samples > 0) state.times.Include(growth.min_time, growth.max_time);
  state.sizes.unflushed_samples += static_cast<int64_t>(growth.samples);
  state.sizes.sample_bytes += static_cast<int64_t>(growth.bytes);
  state.replayer.reset();
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
