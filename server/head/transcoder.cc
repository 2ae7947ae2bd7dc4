// SPDX-License-Identifier: Apache-2.0
#include "server/head/transcoder.h"

#include <algorithm>
#include <utility>

#include "server/chunks/chunk.h"
#include "server/head/sealed_reader.h"
#include "server/storage/rising.h"

namespace vigil::head {
namespace {

// A chunk does not cross a multiple of this, so that it lies within one leaf of the chunk table.
constexpr int64_t kChunkSpanMs = 6 * 60 * 60 * 1000;

int64_t SpanOf(TimestampMs timestamp) {
  return timestamp >= 0 ? timestamp / kChunkSpanMs : -((-(timestamp + 1)) / kChunkSpanMs) - 1;
}

// The end of the chunk that begins at `at`; time_of(i) of `size` samples, rising.
template <typename TimeOf>
size_t EndOfChunk(size_t at, size_t size, const TimeOf& time_of) {
  const int64_t span = SpanOf(time_of(at));
  const size_t limit = std::min(size, at + chunks::kMaxChunkSamples);
  if (SpanOf(time_of(limit - 1)) == span) return limit;
  size_t end = at + 1;
  while (SpanOf(time_of(end)) == span) ++end;
  return end;
}

}  // namespace

bool Transcoder::Next(storage::ChunkRow* row) {
  while (AtEnd()) {
    Replace();
    if (next_ == order_.size()) return false;
    Load(order_[next_++]);
  }
  if (at_ < columns_.size()) {
    EncodeFloats();
  } else {
    EncodeHistograms();
  }
  samples_ += chunk_.count;
  encoded_.push_back(SealedRef::Create(through_, chunk_.min_time, chunk_.max_time, chunk_.count,
                                       SealedChunk::Format::kChunk, chunk_.encoding, chunk_.data));
  row->series = slots_.id(ref_);
  row->min_time = chunk_.min_time;
  row->max_time = chunk_.max_time;
  row->count = chunk_.count;
  row->encoding = chunk_.encoding;
  row->data = chunk_.data;
  row->retention_class = retention_class_;
  return true;
}

void Transcoder::EncodeFloats() {
  const size_t end =
      EndOfChunk(at_, columns_.size(), [this](size_t i) { return columns_.timestamps[i]; });
  encoder_.Encode(std::span(columns_.timestamps).subspan(at_, end - at_),
                  std::span(columns_.values).subspan(at_, end - at_), &chunk_);
  at_ = end;
}

void Transcoder::EncodeHistograms() {
  const size_t end = EndOfChunk(histogram_, columns_.histograms.size(),
                                [this](size_t i) { return columns_.histograms[i].timestamp; });
  chunks::EncodeHistogramChunk(std::span(columns_.histograms).subspan(histogram_, end - histogram_),
                               &chunk_);
  histogram_ = end;
}

void Transcoder::Rewind() {
  next_ = 0;
  at_ = 0;
  histogram_ = 0;
  samples_ = 0;
  columns_.Clear();
  encoded_.clear();
}

// What of the series this flush takes: newest first.
void Transcoder::Load(SeriesRef ref) {
  ref_ = ref;
  at_ = 0;
  histogram_ = 0;
  columns_.Clear();
  parts_.clear();
  {
    RunWalker walker(slots_);
    retention_class_ = walker.At(ref).retention_class;
    for (SealedRef part = walker.At(ref).sealed; part && part->generation > after_;
         part = part.Older()) {
      if (part->generation <= through_) parts_.push_back(part);
    }
  }
  const storage::ColumnsMark begin(columns_);
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    // Made by this process and never out of its memory: it cannot be broken.
    CHECK(ReadSealed(**part, INT64_MIN, INT64_MAX, &columns_).has_value());
  }
  if (parts_.size() > 1) storage::MakeRising(begin, &columns_);
}

// Puts the encoded chunks in the place of what they were made from.
void Transcoder::Replace() {
  if (encoded_.empty()) return;
  int64_t bytes = 0;
  for (const SealedRef& part : parts_) bytes -= static_cast<int64_t>(part->heap_bytes());
  for (const SealedRef& part : encoded_) bytes += static_cast<int64_t>(part->heap_bytes());
  sizes_.sample_bytes += bytes;
  sizes_.sealed_chunks +=
      static_cast<int64_t>(encoded_.size()) - static_cast<int64_t>(parts_.size());
  RunWalker walker(slots_);
  Series& series = walker.At(ref_);
  // Late samples may have been sealed while this flush runs: they stay in front.
  std::vector<SealedRef> newer;
  for (SealedRef part = series.sealed; part->generation > through_; part = part.Older()) {
    newer.push_back(part);
  }
  SealedRef chain = parts_.back().Older();
  for (SealedRef& chunk : encoded_) {
    chunk.SetOlder(std::move(chain));
    chain = std::move(chunk);
  }
  if (newer.empty()) {
    series.sealed = std::move(chain);
  } else {
    newer.back().SetOlder(std::move(chain));
  }
  encoded_.clear();
}

}  // namespace vigil::head
