// SPDX-License-Identifier: Apache-2.0
// The head's side of a flush: generations, sealing, dropping.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "server/head/head.h"
#include "server/head/head_state.h"
#include "server/head/transcoder.h"

namespace vigil::head {
namespace {

// Cuts the chain where generations up to `through` begin. Returns the times dropped.
TimestampMs DropThrough(uint64_t through, Series* series, Sizes* sizes) {
  SealedRef last_kept;
  SealedRef chunk = series->sealed;
  while (chunk && chunk->generation > through) {
    last_kept = chunk;
    chunk = chunk.Older();
  }
  TimestampMs newest = INT64_MIN;
  for (SealedRef dropped = chunk; dropped; dropped = dropped.Older()) {
    newest = std::max(newest, dropped->last_time);
    sizes->sample_bytes -= static_cast<int64_t>(dropped->heap_bytes());
    --sizes->sealed_chunks;
  }
  if (!chunk) return newest;
  if (last_kept) {
    last_kept.SetOlder({});
  } else {
    series->sealed = {};
  }
  return newest;
}

std::string_view BytesOf(const SampleStream& stream) {
  return {reinterpret_cast<const char*>(stream.data()), stream.size()};
}

}  // namespace

void Head::State::AddSealed(SealedRef chunk, Series* series) {
  sizes.sample_bytes += static_cast<int64_t>(chunk->heap_bytes());
  ++sizes.sealed_chunks;
  chunk.SetOlder(std::move(series->sealed));
  series->sealed = std::move(chunk);
}

void Head::State::SealOpen(Series* series) {
  const SampleStream& open = series->open;
  sizes.sample_bytes -= open.capacity();
  AddSealed(SealedRef::Create(series->generation, open.first_time(), open.last_time(), open.count(),
                              SealedChunk::Format::kStream, open.mark(), BytesOf(open)),
            series);
  series->open.Reset();
}

void Head::State::SealSide(Series* series) {
  using Format = SealedChunk::Format;
  SideSamples& side = *series->side;
  if (side.empty()) return;
  sizes.sample_bytes -= static_cast<int64_t>(side.heap_bytes());
  const auto add_histograms = [&](const chunks::HistogramStream& stream) {
    if (stream.empty()) return;
    AddSealed(SealedRef::Create(series->generation, stream.first_time(), stream.last_time(),
                                stream.count(), Format::kHistogramStream, 0, stream.data()),
              series);
  };
  add_histograms(side.histograms());
  if (!side.late_histograms().empty()) {
    chunks::HistogramStream late;
    for (const HistogramSample& sample : side.late_histograms()) {
      late.Append(sample.timestamp, sample.histogram);
    }
    add_histograms(late);
  }
  if (!side.late().empty()) {
    SampleStream late;
    for (const Sample& sample : side.late()) late.Append(sample.timestamp, sample.value);
    AddSealed(SealedRef::Create(series->generation, late.first_time(), late.last_time(),
                                late.count(), Format::kStream, late.mark(), BytesOf(late)),
              series);
  }
  side.Reset();
}

void Head::BeginGeneration() { ++state_->generation; }

std::unique_ptr<storage::SealedChunks> Head::Seal() {
  State& state = *state_;
  const uint64_t current = state.generation.load();
  state.sealed_generation = current - 1;
  state.sealed_samples = 0;
  state.order.Refresh();
  Refs order = state.postings.AllBy(kMetricName);
  std::vector<bool> has(state.slots.size() + 1);
  {
    RunWalker walker(state.slots);
    for (SeriesRef ref = 1; ref < has.size(); ++ref) {
      Series& series = walker.At(ref);
      if (series.generation != kIdleGeneration) state.SealIfOlder(&series, current);
      for (SealedRef part = series.sealed; part && part->generation > state.flushed_generation;
           part = part.Older()) {
        // Late samples may have been sealed since the cut.
        if (part->generation > state.sealed_generation) continue;
        has[ref] = true;
        state.sealed_samples += part->count;
      }
    }
  }
  // Series that came while this ran have nothing of older generations.
  std::erase_if(order, [&has](uint32_t ref) { return ref >= has.size() || !has[ref]; });
  SortWithinMetric(&order);
  return std::make_unique<Transcoder>(state.slots, &state.sizes, std::move(order),
                                      state.flushed_generation, state.sealed_generation);
}

void Head::SortWithinMetric(std::vector<uint32_t>* refs) const {
  const SeriesSlots& slots = state_->slots;
  for (auto from = refs->begin(); from != refs->end();) {
    const std::string_view metric = slots.labels(*from).MetricName();
    auto to = from;
    while (to != refs->end() && slots.labels(*to).MetricName() == metric) ++to;
    std::sort(from, to, [&slots](uint32_t a, uint32_t b) { return slots.id(a) < slots.id(b); });
    from = to;
  }
}

void Head::MarkFlushed() {
  State& state = *state_;
  const uint64_t drop = state.flushed_generation;
  TimestampMs first = INT64_MAX;
  int64_t idle = 0;
  RunWalker walker(state.slots);
  for (SeriesRef ref = 1; state.slots.Has(ref); ++ref) {
    Series& series = walker.At(ref);
    series.stored_until = std::max(series.stored_until, DropThrough(drop, &series, &state.sizes));
    const TimestampMs begin = series.FirstTime();
    first = std::min(first, begin);
    if (begin != INT64_MAX) continue;
    // What is left of an idle series is its place in the index.
    ++idle;
    series.side.reset();
    series.generation = kIdleGeneration;
  }
  state.sizes.idle_series = idle;
  state.flushed_generation = state.sealed_generation;
  state.sizes.unflushed_samples -= state.sealed_samples;
  state.sealed_samples = 0;
  state.times.min = first;
}

}  // namespace vigil::head
