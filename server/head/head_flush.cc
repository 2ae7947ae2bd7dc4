// SPDX-License-Identifier: Apache-2.0
// The head's side of a flush: generations, sealing, encoding, dropping.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "server/chunks/chunk_encoder.h"
#include "server/head/head.h"
#include "server/head/head_state.h"
#include "server/head/sealed_reader.h"

namespace vigil::head {
namespace {

// A chunk does not cross a multiple of this, so that it lies within one leaf of the chunk table.
constexpr int64_t kChunkSpanMs = 6 * 60 * 60 * 1000;

int64_t SpanOf(TimestampMs timestamp) {
  return timestamp >= 0 ? timestamp / kChunkSpanMs : -((-(timestamp + 1)) / kChunkSpanMs) - 1;
}

// Goes over the series, decodes what is sealed of each, encodes it anew and leaves the smaller
// bytes in memory.
class Transcoder : public storage::SealedChunks {
 public:
  Transcoder(const SeriesSlots& slots, Sizes* sizes, Refs order, uint64_t after, uint64_t through)
      : slots_(slots), sizes_(*sizes), order_(std::move(order)), after_(after), through_(through) {}

  bool Next(storage::ChunkRow* row) override {
    while (at_ == columns_.size()) {
      Replace();
      if (next_ == order_.size()) return false;
      Load(order_[next_++]);
    }
    const size_t end = EndOfChunk();
    const size_t count = end - at_;
    encoder_.Encode(std::span(columns_.timestamps).subspan(at_, count),
                    std::span(columns_.values).subspan(at_, count), &chunk_);
    at_ = end;
    samples_ += count;
    encoded_.push_back(SealedRef::Create(through_, chunk_.min_time, chunk_.max_time, chunk_.count,
                                         SealedChunk::Format::kChunk, chunk_.encoding,
                                         chunk_.data));
    row->series = slots_.id(ref_);
    row->min_time = chunk_.min_time;
    row->max_time = chunk_.max_time;
    row->count = chunk_.count;
    row->encoding = chunk_.encoding;
    row->data = chunk_.data;
    return true;
  }

  void Rewind() override {
    next_ = 0;
    at_ = 0;
    samples_ = 0;
    columns_.Clear();
    encoded_.clear();
  }

  [[nodiscard]] uint64_t samples() const override { return samples_; }

 private:
  // What of the series this flush takes: newest first.
  void Load(SeriesRef ref) {
    ref_ = ref;
    at_ = 0;
    columns_.Clear();
    parts_.clear();
    {
      RunWalker walker(slots_);
      for (SealedRef part = walker.At(ref).sealed; part && part->generation > after_;
           part = part.Older()) {
        if (part->generation <= through_) parts_.push_back(part);
      }
    }
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      // Made by this process and never out of its memory: it cannot be broken.
      CHECK(ReadSealed(**part, INT64_MIN, INT64_MAX, &columns_).has_value());
    }
  }

  [[nodiscard]] size_t EndOfChunk() const {
    const int64_t span = SpanOf(columns_.timestamps[at_]);
    const size_t limit = std::min(columns_.size(), at_ + chunks::kMaxChunkSamples);
    if (SpanOf(columns_.timestamps[limit - 1]) == span) return limit;
    size_t end = at_ + 1;
    while (SpanOf(columns_.timestamps[end]) == span) ++end;
    return end;
  }

  // Puts the encoded chunks in the place of what they were made from.
  void Replace() {
    if (encoded_.empty()) return;
    int64_t bytes = 0;
    for (const SealedRef& part : parts_) bytes -= static_cast<int64_t>(part->heap_bytes());
    for (const SealedRef& part : encoded_) bytes += static_cast<int64_t>(part->heap_bytes());
    sizes_.sample_bytes += bytes;
    sizes_.sealed_chunks +=
        static_cast<int64_t>(encoded_.size()) - static_cast<int64_t>(parts_.size());
    RunWalker walker(slots_);
    Series& series = walker.At(ref_);
    // Nothing newer is sealed while a flush runs, so the parts are the newest of the chain.
    SealedRef chain = parts_.back().Older();
    for (SealedRef& chunk : encoded_) {
      chunk.SetOlder(std::move(chain));
      chain = std::move(chunk);
    }
    series.sealed = std::move(chain);
    encoded_.clear();
  }

  const SeriesSlots& slots_;
  Sizes& sizes_;
  const Refs order_;
  const uint64_t after_;
  const uint64_t through_;

  chunks::ChunkEncoder encoder_;
  size_t next_ = 0;  // in order_
  SeriesRef ref_ = 0;
  std::vector<SealedRef> parts_;    // of ref_, newest first
  std::vector<SealedRef> encoded_;  // of ref_, oldest first
  SampleColumns columns_;           // of ref_
  size_t at_ = 0;                   // in columns_
  chunks::Chunk chunk_;
  uint64_t samples_ = 0;
};

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

}  // namespace

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
      state.SealIfOlder(&series, current);
      for (SealedRef part = series.sealed; part && part->generation > state.flushed_generation;
           part = part.Older()) {
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
  RunWalker walker(state.slots);
  for (SeriesRef ref = 1; state.slots.Has(ref); ++ref) {
    Series& series = walker.At(ref);
    series.stored_until = std::max(series.stored_until, DropThrough(drop, &series, &state.sizes));
    first = std::min(first, series.FirstTime());
  }
  state.flushed_generation = state.sealed_generation;
  state.sizes.unflushed_samples -= state.sealed_samples;
  state.sealed_samples = 0;
  state.times.min = first;
}

}  // namespace vigil::head
