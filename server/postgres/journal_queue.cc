// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/journal_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/chunks/journal_page.h"

namespace vigil::postgres {
namespace {

// A new series costs about so much while it waits; its labels are shared with the head.
constexpr uint64_t kSeriesBytes = 64;

std::chrono::nanoseconds Until(int64_t then_ns, int64_t now_ns) {
  return std::chrono::nanoseconds(std::max<int64_t>(then_ns - now_ns, 0));
}

}  // namespace

using storage::JournalPosition;
using storage::SeriesId;

JournalQueue::JournalQueue(JournalPosition last, uint64_t max_bytes, uint64_t spool_bytes,
                           const Clock& clock)
    : max_bytes_(max_bytes),
      spool_bytes_(std::max(max_bytes, spool_bytes)),
      clock_(clock),
      last_(last),
      durable_(last) {}

bool JournalQueue::HasRoom(storage::Writer writer) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const bool keeps = writer == storage::Writer::kKeepsSamples;
  return bytes_ < (keeps ? max_bytes_ : spool_bytes_) && !stopped_ && !failed_;
}

JournalPosition JournalQueue::Enqueue(std::vector<storage::SeriesRecord> series,
                                      std::vector<std::string> pages) {
  uint64_t bytes = kSeriesBytes * series.size();
  for (const std::string& page : pages) {
    CHECK(page.size() <= chunks::kMaxJournalPageBytes);
    bytes += page.size();
  }
  JournalPosition position = 0;
  bool wake = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const JournalPosition first = last_ + 1;
    last_ += pages.size();
    position = last_;
    if (failed_ || (series.empty() && pages.empty())) return position;
    series_ += series.size();
    bytes_ += bytes;
    waiting_ += bytes;
    entries_.push_back({std::move(series), std::move(pages), first, cuts_, bytes});
    // In between the writer sleeps until its next commit is due.
    wake = entries_.size() == 1 || waiting_ >= full_bytes_;
  }
  if (wake) writer_wanted_.notify_one();
  return position;
}

JournalPosition JournalQueue::Cut() {
  std::lock_guard<std::mutex> lock(mutex_);
  ++cuts_;
  return last_;
}

Result<void> JournalQueue::WaitDurable(JournalPosition position, int64_t timeout_ms) const {
  std::unique_lock<std::mutex> lock(mutex_);
  if (durable_ < position && !failed_) {
    ++waiters_;
    writer_wanted_.notify_one();  // it may have meant to wait longer
    durable_changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                              [&] { return durable_ >= position || failed_; });
    --waiters_;
  }
  if (durable_ >= position) return Ok();
  if (failed_) return failure_;
  if (!error_.empty()) return Unavailable("the journal cannot be written: " + error_);
  return Timeout("the database did not commit the samples in time");
}

Result<SeriesId> JournalQueue::NextSeriesId(int64_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (next_id_ == end_id_ && spare_first_ == spare_end_) {
    writer_wanted_.notify_one();
    const auto pause = std::chrono::milliseconds(error_.empty() ? timeout_ms : 0);
    ids_added_.wait_for(
        lock, pause, [&] { return next_id_ != end_id_ || spare_first_ != spare_end_ || failed_; });
  }
  if (failed_) return failure_;
  if (next_id_ == end_id_) {
    if (spare_first_ == spare_end_) {
      return Unavailable("no series can be created while the database is away" +
                         (error_.empty() ? std::string() : ": " + error_));
    }
    next_id_ = std::exchange(spare_first_, 0);
    end_id_ = std::exchange(spare_end_, 0);
    writer_wanted_.notify_one();
  }
  return next_id_++;
}

bool JournalQueue::WantsSeriesIds() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return spare_first_ == spare_end_;
}

void JournalQueue::AddSeriesIds(SeriesId first, int64_t count) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    CHECK(spare_first_ == spare_end_);
    spare_first_ = first;
    spare_end_ = first + count;
  }
  ids_added_.notify_all();
}

void JournalQueue::Wait(int64_t hurried_ns, int64_t not_before_ns, int64_t until_ns,
                        uint64_t full_bytes, bool hold) {
  std::unique_lock<std::mutex> lock(mutex_);
  full_bytes_ = full_bytes;
  while (true) {
    const int64_t now = clock_.MonotonicNs();
    if (stopped_ || failed_ || now >= until_ns) return;
    int64_t wake_ns = until_ns;
    if (!hold) {
      if (spare_first_ == spare_end_ || waiting_ >= full_bytes) return;
      if (!entries_.empty()) {
        const int64_t due_ns = waiters_ > 0 ? hurried_ns : not_before_ns;
        if (now >= due_ns) return;
        wake_ns = std::min(wake_ns, due_ns);
      }
    }
    writer_wanted_.wait_for(lock, Until(wake_ns, now));
  }
}

bool JournalQueue::HasWaiters() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return waiters_ > 0;
}

std::vector<JournalEntry> JournalQueue::Take(uint64_t max_bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<JournalEntry> batch;
  uint64_t bytes = 0;
  while (!entries_.empty() && (bytes == 0 || bytes + entries_.front().bytes <= max_bytes)) {
    bytes += entries_.front().bytes;
    batch.push_back(std::move(entries_.front()));
    entries_.pop_front();
  }
  waiting_ -= bytes;
  return batch;
}

void JournalQueue::Committed(JournalPosition position, uint64_t bytes, uint64_t series) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    durable_ = std::max(durable_, position);
    bytes_ -= bytes;
    series_ -= series;
    error_.clear();
  }
  durable_changed_.notify_all();
}

void JournalQueue::NoteError(const std::string& error) {
  std::lock_guard<std::mutex> lock(mutex_);
  error_ = error;
}

void JournalQueue::Fail(Error reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (failed_) return;
    failed_ = true;
    failure_ = std::move(reason);
    entries_.clear();
  }
  durable_changed_.notify_all();
  ids_added_.notify_all();
  writer_wanted_.notify_all();
}

void JournalQueue::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  writer_wanted_.notify_all();
}

bool JournalQueue::stopped() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

bool JournalQueue::failed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return failed_;
}

JournalQueue::Figures JournalQueue::figures() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return {last_ - durable_, bytes_, series_, last_, durable_, error_};
}

}  // namespace vigil::postgres
