// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_backend.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/chunks/journal_page.h"

namespace vigil::testing {

using storage::ChunkRow;
using storage::ChunkTable;
using storage::JournalPosition;
using storage::SeriesId;
using storage::SeriesRecord;

bool FakeBackend::HasRoom(storage::Writer writer) const {
  MutexLock lock(mutex_);
  return writer == storage::Writer::kKeepsSamples ? room_ : spool_;
}

Result<SeriesId> FakeBackend::NextSeriesId() {
  MutexLock lock(mutex_);
  if (away_) return Unavailable("the database is away");
  return next_id_++;
}

JournalPosition FakeBackend::Enqueue(std::vector<SeriesRecord> new_series,
                                     std::vector<std::string> pages) {
  MutexLock lock(mutex_);
  for (const SeriesRecord& record : new_series) announced_.insert(record.id);
  chunks::JournalSamples samples;
  for (const std::string& page : pages) {
    CHECK(page.size() <= chunks::kMaxJournalPageBytes);
    CHECK(chunks::DecodeJournalPage(page, &samples).has_value());
  }
  for (const SeriesId id : samples.series) CHECK(announced_.contains(id));
  for (const SeriesId id : samples.histogram_series) CHECK(announced_.contains(id));
  queue_[++queued_] = {std::move(new_series), std::move(pages)};
  if (!away_ && !lazy_) CommitLocked();
  return queued_;
}

void FakeBackend::CommitLocked() {
  for (auto& [position, entry] : queue_) {
    for (SeriesRecord& record : entry.series) {
      if (known_.insert(record.id).second) catalogue_.push_back(std::move(record));
    }
    pages_[position] = std::move(entry.pages);
  }
  queue_.clear();
  committed_ = queued_;
}

Result<void> FakeBackend::WaitDurable(JournalPosition position, int64_t) {
  MutexLock lock(mutex_);
  if (position <= committed_) return Ok();
  if (away_) return Unavailable("the database is away");
  CommitLocked();
  return Ok();
}

JournalPosition FakeBackend::Cut() {
  MutexLock lock(mutex_);
  return queued_;
}

Result<void> FakeBackend::WriteFlush(const std::function<bool(ChunkRow*)>& next,
                                     JournalPosition flushed) {
  MutexLock lock(mutex_);
  if (away_) return Unavailable("the database is away");
  CHECK(flushed <= committed_);
  if (unresolved_ && flushed == flushed_) {
    unresolved_ = false;
    return Ok();
  }
  std::vector<Chunk> written;
  ChunkRow row;
  while (next(&row)) {
    if (written.size() == fail_after_) {
      fail_after_ = SIZE_MAX;
      return Unavailable("the connection was lost");
    }
    CHECK(known_.contains(row.series));
    written.push_back({row, std::string(row.data)});
    written.back().row.data = {};
  }
  std::move(written.begin(), written.end(), std::back_inserter(chunks_));
  flushed_ = flushed;
  pages_.erase(pages_.begin(), pages_.upper_bound(flushed));
  if (!lose_answer_) return Ok();
  lose_answer_ = false;
  unresolved_ = true;
  return Unavailable("the connection was lost during the commit");
}

Result<void> FakeBackend::WriteChunks(std::span<const SeriesRecord> series,
                                      std::span<const ChunkRow> rows) {
  MutexLock lock(mutex_);
  if (away_) return Unavailable("the database is away");
  for (const SeriesRecord& record : series) {
    if (known_.insert(record.id).second) catalogue_.push_back(record);
  }
  for (const ChunkRow& row : rows) {
    CHECK(known_.contains(row.series));
    chunks_.push_back({row, std::string(row.data)});
    chunks_.back().row.data = {};
  }
  return Ok();
}

Result<ChunkTable> FakeBackend::Read(std::span<const SeriesId> series, TimestampMs min_time,
                                     TimestampMs max_time) const {
  MutexLock lock(mutex_);
  if (away_) return Unavailable("the database is away");
  CHECK(std::is_sorted(series.begin(), series.end()));
  ++reads_;
  std::vector<const Chunk*> found;
  for (const Chunk& chunk : chunks_) {
    if (chunk.row.min_time > max_time || chunk.row.max_time < min_time) continue;
    if (std::binary_search(series.begin(), series.end(), chunk.row.series)) {
      found.push_back(&chunk);
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Chunk* a, const Chunk* b) {
    return std::pair(a->row.series, a->row.min_time) < std::pair(b->row.series, b->row.min_time);
  });
  ChunkTable table;
  table.arena.reserve(found.size());
  for (const Chunk* chunk : found) {
    table.arena.push_back(chunk->data);
    table.rows.push_back(chunk->row);
    table.rows.back().data = table.arena.back();
  }
  return table;
}

Result<TimestampMs> FakeBackend::NewestInChunks() {
  MutexLock lock(mutex_);
  if (away_) return Unavailable("the database is away");
  TimestampMs newest = INT64_MIN;
  for (const Chunk& chunk : chunks_) newest = std::max(newest, chunk.row.max_time);
  return newest;
}

Result<void> FakeBackend::LoadSeries(const std::function<void(SeriesRecord)>& each) {
  std::vector<SeriesRecord> all;
  {
    MutexLock lock(mutex_);
    if (away_) return Unavailable("the database is away");
    all = catalogue_;
  }
  for (SeriesRecord& record : all) each(std::move(record));
  return Ok();
}

Result<void> FakeBackend::ReplayJournal(const std::function<void(std::string_view page)>& each) {
  std::vector<std::string> all;
  {
    MutexLock lock(mutex_);
    if (away_) return Unavailable("the database is away");
    for (const auto& [position, pages] : pages_) all.insert(all.end(), pages.begin(), pages.end());
  }
  for (const std::string& page : all) each(page);
  return Ok();
}

void FakeBackend::SetRoom(bool room, bool spool) {
  MutexLock lock(mutex_);
  room_ = room;
  spool_ = spool;
}

void FakeBackend::SetAway(bool away) {
  MutexLock lock(mutex_);
  away_ = away;
  if (!away_ && !lazy_) CommitLocked();
}

void FakeBackend::SetLazy(bool lazy) {
  MutexLock lock(mutex_);
  lazy_ = lazy;
}

void FakeBackend::Commit() {
  MutexLock lock(mutex_);
  CommitLocked();
}

void FakeBackend::Crash() {
  MutexLock lock(mutex_);
  queue_.clear();
  queued_ = committed_;
  unresolved_ = false;
  announced_ = known_;
}

void FakeBackend::FailFlushAfter(size_t rows) {
  MutexLock lock(mutex_);
  fail_after_ = rows;
}

void FakeBackend::LoseFlushAnswer() {
  MutexLock lock(mutex_);
  lose_answer_ = true;
}

bool FakeBackend::BreakPage(size_t i) {
  MutexLock lock(mutex_);
  for (auto& [position, pages] : pages_) {
    for (std::string& page : pages) {
      if (i-- > 0) continue;
      page.back() = static_cast<char>(page.back() ^ 0x55);
      return true;
    }
  }
  return false;
}

void FakeBackend::BreakChunk(size_t i) {
  MutexLock lock(mutex_);
  std::string& data = chunks_.at(i).data;
  data.back() = static_cast<char>(data.back() ^ 0x55);
}

std::vector<FakeBackend::Chunk> FakeBackend::chunks() const {
  MutexLock lock(mutex_);
  return chunks_;
}

size_t FakeBackend::reads() const {
  MutexLock lock(mutex_);
  return reads_;
}

size_t FakeBackend::replayable_pages() const {
  MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [position, pages] : pages_) count += pages.size();
  return count;
}

}  // namespace vigil::testing
