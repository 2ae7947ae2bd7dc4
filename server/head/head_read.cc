// SPDX-License-Identifier: Apache-2.0
// The head's side of a query.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/chunks/chunk.h"
#include "server/head/head.h"
#include "server/head/head_state.h"
#include "server/head/sealed_reader.h"

namespace vigil::head {

Result<void> ReadSealed(const SealedChunk& chunk, TimestampMs min_time, TimestampMs max_time,
                        SampleColumns* out) {
  const std::string_view bytes = chunk.bytes();
  if (chunk.format == SealedChunk::Format::kChunk) {
    return chunks::DecodeChunk(
        {chunk.first_time, chunk.last_time, chunk.count, chunk.encoding, bytes}, min_time, max_time,
        out);
  }
  DecodeSampleStream(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), chunk.first_time,
                     min_time, max_time, out);
  return Ok();
}

namespace {

// References to sealed chunks and copies of open bytes.
class SampleSnapshot : public storage::RecentSamples {
 public:
  SampleSnapshot(TimestampMs start, TimestampMs end) : start_(start), end_(end) {}

  void Reserve(size_t series) { items_.reserve(series); }

  // REQUIRES: the series is locked.
  void Add(const Series& series) {
    Item item;
    item.parts = parts_.size();
    for (SealedRef part = series.sealed; part; part = part.Older()) {
      if (part->first_time <= end_ && part->last_time >= start_) parts_.push_back(part);
    }
    item.parts_end = parts_.size();
    const SampleStream& open = series.open;
    item.open = open_.size();
    if (!open.empty() && open.first_time() <= end_ && open.last_time() >= start_) {
      item.first_time = open.first_time();
      open_.append(reinterpret_cast<const char*>(open.data()), open.size());
    }
    item.open_end = open_.size();
    item.stored_until = std::min(series.stored_until, end_);
    items_.push_back(item);
  }

  [[nodiscard]] bool Has(size_t i) const override {
    const Item& item = items_[i];
    return item.parts != item.parts_end || item.open != item.open_end;
  }

  [[nodiscard]] TimestampMs StoredUntil(size_t i) const override { return items_[i].stored_until; }

  void Read(size_t i, SampleColumns* out) const override {
    const Item& item = items_[i];
    for (size_t part = item.parts_end; part > item.parts; --part) {  // newest first
      // Made by this process and never out of its memory: it cannot be broken.
      CHECK(ReadSealed(*parts_[part - 1], start_, end_, out).has_value());
    }
    DecodeSampleStream(reinterpret_cast<const uint8_t*>(open_.data()) + item.open,
                       item.open_end - item.open, item.first_time, start_, end_, out);
  }

 private:
  struct Item {
    size_t parts = 0;  // in parts_, newest first
    size_t parts_end = 0;
    size_t open = 0;  // in open_
    size_t open_end = 0;
    TimestampMs first_time = 0;  // of the open bytes
    TimestampMs stored_until = INT64_MIN;
  };

  const TimestampMs start_;
  const TimestampMs end_;
  std::vector<Item> items_;
  std::vector<SealedRef> parts_;
  std::string open_;
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
    return series.open.last_time() < start || series.FirstTime() > end;
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

std::vector<std::string> Head::LabelNames() const { return state_->postings.Names(); }

std::vector<std::string> Head::LabelValues(std::string_view name) const {
  return state_->postings.Values(name);
}

}  // namespace vigil::head
