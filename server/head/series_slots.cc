// SPDX-License-Identifier: Apache-2.0
#include "server/head/series_slots.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "client-lib/base/result.h"

namespace vigil::head {

SealedRef SealedRef::Create(uint64_t generation, TimestampMs first_time, TimestampMs last_time,
                            uint32_t count, SealedChunk::Format format, uint32_t encoding,
                            std::string_view bytes) {
  const size_t slack = format == SealedChunk::Format::kStream ? kStreamSlack : 0;
  void* const memory = std::malloc(sizeof(SealedChunk) + bytes.size() + slack);
  CHECK(memory != nullptr);
  auto* chunk = new (memory) SealedChunk;
  chunk->generation = generation;
  chunk->first_time = first_time;
  chunk->last_time = last_time;
  chunk->count = count;
  chunk->size = static_cast<uint32_t>(bytes.size());
  chunk->encoding = encoding;
  chunk->format = format;
  chunk->refs.store(1, std::memory_order_relaxed);
  chunk->older = nullptr;
  char* const copy = static_cast<char*>(memory) + sizeof(SealedChunk);
  std::memcpy(copy, bytes.data(), bytes.size());
  std::memset(copy + bytes.size(), 0, slack);
  return SealedRef(chunk);
}

void SealedRef::Release() {
  // A loop, so that a long chain does not recurse.
  while (chunk_ != nullptr && chunk_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    SealedChunk* const older = chunk_->older;
    chunk_->~SealedChunk();
    std::free(chunk_);
    chunk_ = older;
  }
  chunk_ = nullptr;
}

SealedRef SealedRef::Older() const {
  SealedRef older(chunk_->older);
  if (older.chunk_ != nullptr) older.chunk_->refs.fetch_add(1, std::memory_order_relaxed);
  return older;
}

void SealedRef::SetOlder(SealedRef older) { std::swap(chunk_->older, older.chunk_); }

TimestampMs Series::FirstTime() const {
  TimestampMs first = open.empty() ? INT64_MAX : open.first_time();
  if (side != nullptr) first = std::min(first, side->first_time());
  for (SealedRef chunk = sealed; chunk; chunk = chunk.Older()) {
    first = std::min(first, chunk->first_time);
  }
  return first;
}

SeriesSlots::~SeriesSlots() {
  for (std::atomic<Page*>& entry : pages_) {
    const std::unique_ptr<Page> page(entry.load());
    if (page == nullptr) continue;
    for (std::atomic<SeriesRun*>& run : page->runs) delete run.load();
  }
}

SeriesRef SeriesSlots::Add(SeriesId id, const Labels& labels, TimestampMs stored_until) {
  const size_t slot = size_.load(std::memory_order_relaxed);
  const size_t run = slot / kRunLength;
  if (run / kRunsPerPage >= kPages) return 0;
  std::atomic<Page*>& page = pages_[run / kRunsPerPage];
  if (page.load(std::memory_order_relaxed) == nullptr) {
    page.store(new Page, std::memory_order_release);
  }
  std::atomic<SeriesRun*>& entry = page.load()->runs[run % kRunsPerPage];
  if (entry.load(std::memory_order_relaxed) == nullptr) {
    entry.store(new SeriesRun, std::memory_order_release);
  }
  Series& series = entry.load()->series[slot % kRunLength];
  series.labels = labels;
  series.id = id;
  series.stored_until = stored_until;
  size_.store(slot + 1, std::memory_order_release);
  return slot + 1;
}

}  // namespace vigil::head
