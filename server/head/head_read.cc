// SPDX-License-Identifier: Apache-2.0
// The head's side of a query.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/chunks/chunk.h"
#include "server/chunks/histogram_stream.h"
#include "server/head/head.h"
#include "server/head/head_state.h"
#include "server/head/sealed_reader.h"
#include "server/storage/rising.h"

namespace vigil::head {
namespace {

// All of a stream.
struct WholeStream {
  const uint8_t* data;
  size_t size;
  uint32_t mark;  // the newest
  TimestampMs first_time;
  uint32_t count;
};

// Appends the samples within [min_time, max_time].
void DecodePart(const WholeStream& stream, TimestampMs min_time, TimestampMs max_time,
                SampleColumns* out) {
  const StreamPart part = FindStreamPart(stream.data, stream.size, stream.mark, min_time, max_time);
  const size_t size = part.end - part.begin;
  DecodeSampleStream(stream.data + part.begin, size, stream.first_time, min_time, max_time, out,
                     size == stream.size ? stream.count : 0);
}

}  // namespace

Result<void> ReadSealed(const SealedChunk& chunk, TimestampMs min_time, TimestampMs max_time,
                        SampleColumns* out) {
  const std::string_view bytes = chunk.bytes();
  if (chunk.format == SealedChunk::Format::kChunk) {
    return chunks::DecodeChunk(
        {chunk.first_time, chunk.last_time, chunk.count, chunk.encoding, bytes}, min_time, max_time,
        out);
  }
  if (chunk.format == SealedChunk::Format::kHistogramStream) {
    CHECK(chunks::DecodeHistogramStream(bytes, chunk.first_time, min_time, max_time,
                                        &out->histograms));
    return Ok();
  }
  DecodePart({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), chunk.encoding,
              chunk.first_time, chunk.count},
             min_time, max_time, out);
  return Ok();
}

namespace {

void CopyLate(const SideSamples& side, TimestampMs min_time, TimestampMs max_time,
              SampleColumns* out) {
  for (const Sample& sample : side.late()) {
    if (sample.timestamp >= min_time && sample.timestamp <= max_time) {
      out->Add(sample.timestamp, sample.value);
    }
  }
  for (const HistogramSample& sample : side.late_histograms()) {
    if (sample.timestamp >= min_time && sample.timestamp <= max_time) {
      out->histograms.push_back(sample);
    }
  }
}

bool Overlaps(const SideSamples& side, TimestampMs min_time, TimestampMs max_time) {
  return !side.empty() && side.first_time() <= max_time && side.last_time() >= min_time;
}

}  // namespace

void ReadAll(const Series& series, TimestampMs min_time, TimestampMs max_time, SampleColumns* out) {
  for (SealedRef part = series.sealed; part; part = part.Older()) {
    if (part->first_time > max_time || part->last_time < min_time) continue;
    CHECK(ReadSealed(*part, min_time, max_time, out).has_value());
  }
  const SampleStream& open = series.open;
  if (!open.empty() && open.first_time() <= max_time && open.last_time() >= min_time) {
    DecodePart({open.data(), open.size(), open.mark(), open.first_time(), open.count()}, min_time,
               max_time, out);
  }
  if (series.side == nullptr || !Overlaps(*series.side, min_time, max_time)) return;
  const chunks::HistogramStream& histograms = series.side->histograms();
  CHECK(chunks::DecodeHistogramStream(histograms.data(), histograms.first_time(), min_time,
                                      max_time, &out->histograms));
  CopyLate(*series.side, min_time, max_time, out);
}

namespace {

// Copies of bytes that change, in few allocations, with kStreamSlack behind each.
// Threads: owner thread only.
class CopiedBytes {
 public:
  // Valid as long as this object.
  const uint8_t* Copy(const uint8_t* data, size_t size) {
    if (size + kStreamSlack > left_) {
      left_ = std::max(size + kStreamSlack, kBlock);
      blocks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(left_));
      next_ = blocks_.back().get();
    }
    uint8_t* const copy = next_;
    std::copy_n(data, size, copy);
    next_ += size;
    left_ -= size;
    return copy;
  }

 private:
  static constexpr size_t kBlock = 64 * 1024;

  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  uint8_t* next_ = nullptr;
  size_t left_ = 0;
};

// References to sealed chunks and copies of open bytes.
class SampleSnapshot : public storage::RecentSamples {
 public:
  SampleSnapshot(TimestampMs start, TimestampMs end) : start_(start), end_(end) {}

  void Reserve(size_t series) { items_.reserve(series); }

  // REQUIRES: the series is locked.
  void Add(const Series& series) {
    Item item;
    item.parts = parts_.size();
    const SampleStream& open = series.open;
    // Where what was looked at begins: with late samples, older parts may reach behind it.
    TimestampMs begin = open.empty() ? INT64_MAX : open.first_time();
    for (SealedRef part = series.sealed; part; part = part.Older()) {
      if (part->last_time >= begin) item.mixed = true;
      begin = std::min(begin, part->first_time);
      if (part->first_time <= end_ && part->last_time >= start_) parts_.push_back(part);
    }
    item.parts_end = parts_.size();
    if (!open.empty() && open.first_time() <= end_ && open.last_time() >= start_) {
      const StreamPart part = FindStreamPart(open.data(), open.size(), open.mark(), start_, end_);
      item.first_time = open.first_time();
      item.open = open_.Copy(open.data() + part.begin, part.end - part.begin);
      item.open_size = static_cast<uint32_t>(part.end - part.begin);
      item.open_count = item.open_size == open.size() ? open.count() : 0;
    }
    if (series.side != nullptr && Overlaps(*series.side, start_, end_)) {
      item.mixed = true;
      item.side = static_cast<uint32_t>(sides_.size() + 1);
      Side& side = sides_.emplace_back();
      const chunks::HistogramStream& histograms = series.side->histograms();
      side.histograms = histograms.data();
      side.first_time = histograms.first_time();
      CopyLate(*series.side, start_, end_, &side.late);
    }
    item.stored_until = std::min(series.stored_until, end_);
    items_.push_back(item);
  }

  [[nodiscard]] bool Has(size_t i) const override {
    const Item& item = items_[i];
    return item.parts != item.parts_end || item.open != nullptr || item.side != 0;
  }

  [[nodiscard]] TimestampMs StoredUntil(size_t i) const override { return items_[i].stored_until; }

  // Sealed ones, and at most one open one per series.
  [[nodiscard]] size_t chunks() const override {
    size_t open = 0;
    for (const Item& item : items_) open += item.open != nullptr ? 1 : 0;
    return parts_.size() + open;
  }

  void Read(size_t i, SampleColumns* out) const override {
    const Item& item = items_[i];
    const storage::ColumnsMark begin(*out);
    for (size_t part = item.parts_end; part > item.parts; --part) {  // newest first
      // Made by this process and never out of its memory: it cannot be broken.
      CHECK(ReadSealed(*parts_[part - 1], start_, end_, out).has_value());
    }
    if (item.open != nullptr) {
      DecodeSampleStream(item.open, item.open_size, item.first_time, start_, end_, out,
                         item.open_count);
    }
    if (item.side != 0) {
      const Side& side = sides_[item.side - 1];
      CHECK(chunks::DecodeHistogramStream(side.histograms, side.first_time, start_, end_,
                                          &out->histograms));
      const SampleColumns& late = side.late;
      out->timestamps.insert(out->timestamps.end(), late.timestamps.begin(), late.timestamps.end());
      out->values.insert(out->values.end(), late.values.begin(), late.values.end());
      out->histograms.insert(out->histograms.end(), late.histograms.begin(), late.histograms.end());
    }
    if (item.mixed) storage::MakeRising(begin, out);
  }

 private:
  struct Item {
    size_t parts = 0;  // in parts_, newest first
    size_t parts_end = 0;
    const uint8_t* open = nullptr;  // in open_, null without
    uint32_t open_size = 0;
    uint32_t open_count = 0;     // 0: not known
    TimestampMs first_time = 0;  // of the open bytes
    TimestampMs stored_until = INT64_MIN;
    uint32_t side = 0;   // in sides_, from 1 on; 0: there is none
    bool mixed = false;  // the order of the parts is not that of their times
  };
  struct Side {
    std::string histograms;  // a stream
    TimestampMs first_time = 0;
    SampleColumns late;
  };

  const TimestampMs start_;
  const TimestampMs end_;
  std::vector<Item> items_;
  std::vector<SealedRef> parts_;
  CopiedBytes open_;
  std::vector<Side> sides_;
};

}  // namespace

std::vector<storage::SeriesRef> Head::Match(const std::vector<Matcher>& matchers) const {
  const Refs refs = state_->postings.Match(matchers);
  return {refs.begin(), refs.end()};
}

void Head::SortByLabels(std::vector<storage::SeriesRef>* refs) const { state_->order.Sort(refs); }

void Head::DropOutside(TimestampMs start, TimestampMs end,
                       std::vector<storage::SeriesRef>* refs) const {
  RunWalker walker(state_->slots);
  std::erase_if(*refs, [&](SeriesRef ref) {
    const Series& series = walker.At(ref);
    if (series.stored_until >= start) return false;
    return series.LastTime() < start || series.FirstTime() > end;
  });
}

std::unique_ptr<storage::RecentSamples> Head::Snapshot(std::span<const storage::SeriesRef> refs,
                                                       TimestampMs start, TimestampMs end) const {
  auto snapshot = std::make_unique<SampleSnapshot>(start, end);
  snapshot->Reserve(refs.size());
  RunWalker walker(state_->slots);
  for (const SeriesRef ref : refs) snapshot->Add(walker.At(ref));
  return snapshot;
}

Result<void> Head::DecodeChunk(const storage::ChunkRow& row, TimestampMs min_time,
                               TimestampMs max_time, SampleColumns* out) const {
  return chunks::DecodeChunk({row.min_time, row.max_time, row.count, row.encoding, row.data},
                             min_time, max_time, out);
}

Result<std::optional<storage::ChunkSums>> Head::SumUpChunk(const storage::ChunkRow& row) const {
  if (chunks::HoldsHistograms(row.encoding)) return std::optional<storage::ChunkSums>();
  const chunks::ChunkSummary summary = TRY(
      chunks::ReadChunkSummary({row.min_time, row.max_time, row.count, row.encoding, row.data}));
  if (summary.stale > 0) return std::optional<storage::ChunkSums>();
  return std::optional<storage::ChunkSums>(
      storage::ChunkSums{summary.first, summary.last, summary.min, summary.max, summary.resets});
}

std::vector<storage::SeriesRef> Head::FindIds(std::span<const storage::SeriesId> ids) const {
  std::vector<storage::SeriesRef> refs(ids.size());
  for (SeriesRef ref = 1; state_->slots.Has(ref); ++ref) {
    const storage::SeriesId id = state_->slots.id(ref);
    for (auto at = std::lower_bound(ids.begin(), ids.end(), id); at != ids.end() && *at == id;
         ++at) {
      refs[static_cast<size_t>(at - ids.begin())] = ref;
    }
  }
  return refs;
}

size_t Head::CountIdle(std::string_view name, std::string_view value) const {
  const Refs refs = state_->postings.Match({Matcher::Equal(name, value)});
  size_t idle = 0;
  RunWalker walker(state_->slots);
  for (const uint32_t ref : refs) idle += walker.At(ref).generation == kIdleGeneration ? 1 : 0;
  return idle;
}

storage::Cardinality Head::GetCardinality(size_t limit) const {
  return state_->postings.GetCardinality(limit);
}

std::vector<std::string> Head::LabelNames() const { return state_->postings.Names(); }

std::vector<std::string> Head::LabelValues(std::string_view name) const {
  return state_->postings.Values(name);
}

std::vector<std::string> Head::LabelNamesOf(std::span<const storage::SeriesRef> refs) const {
  return state_->postings.NamesOf(refs);
}

std::vector<std::string> Head::LabelValuesOf(std::string_view name,
                                             std::span<const storage::SeriesRef> refs) const {
  return state_->postings.ValuesOf(name, refs);
}

}  // namespace vigil::head
