// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/journal.h"

#include <algorithm>
#include <random>
#include <utility>

#include "client-lib/base/log.h"
#include "server/postgres/journal_tables.h"
#include "server/postgres/members.h"
#include "server/postgres/series_insert.h"

namespace vigil::postgres {
namespace {

// The INCREMENT of the sequence vigil.series_id_block: ids are [nextval, nextval + this).
constexpr int64_t kSeriesIdBlock = 16384;
// Between commits while a sender waits for its acknowledgement: it sends nothing more until then.
constexpr int64_t kHurriedIntervalMs = 10;
constexpr int64_t kSeriesIdWaitMs = 2'000;
// While a former owner's session keeps the lock.
constexpr int64_t kUnlockedRenewalMs = 250;
// Signs of life come every few seconds; one that has just missed some may still be there.
constexpr int64_t kStandbySeenMs = 60'000;
constexpr int64_t kReconnectTimeoutMs = 5'000;
constexpr int64_t kFirstBackoffMs = 50;
constexpr int64_t kLongestBackoffMs = 5'000;
constexpr size_t kCopyPieceBytes = 64U << 10;
constexpr std::string_view kApplication = "vigil-journal";

int64_t WithJitter(int64_t ms) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return ms / 2 + static_cast<int64_t>(random() % static_cast<uint64_t>(ms / 2 + 1));
}

}  // namespace

using storage::JournalPosition;

PostgresJournal::PostgresJournal(JournalOptions options, std::unique_ptr<Connection> connection,
                                 JournalRing* ring, JournalPosition last, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      ring_(ring),
      queue_(last, options_.max_queued_bytes, options_.spool_bytes, clock),
      connection_(std::move(connection)) {
  next_renewal_ns_ =
      clock_.MonotonicNs() + (options_.owner.locked ? options_.lease_ms * 1'000'000 / 3 : 0);
  thread_ = std::jthread([this] { Run(); });
}

PostgresJournal::~PostgresJournal() { Stop(0); }

bool PostgresJournal::HasRoom(storage::Writer writer) const { return queue_.HasRoom(writer); }

Result<storage::SeriesId> PostgresJournal::NextSeriesId() {
  return queue_.NextSeriesId(kSeriesIdWaitMs);
}

JournalPosition PostgresJournal::Enqueue(std::vector<storage::SeriesRecord> new_series,
                                         std::vector<std::string> pages) {
  return queue_.Enqueue(std::move(new_series), std::move(pages));
}

Result<void> PostgresJournal::WaitDurable(JournalPosition position, int64_t timeout_ms) {
  return queue_.WaitDurable(position, timeout_ms);
}

JournalPosition PostgresJournal::Cut() { return queue_.Cut(); }

void PostgresJournal::Stop(int64_t timeout_ms) {
  if (!thread_.joinable()) return;
  stop_at_ns_ = clock_.MonotonicNs() + timeout_ms * 1'000'000;
  queue_.Stop();
  thread_.join();
}

void PostgresJournal::Run() {
  // Whom to ask when the database goes away before the lease is renewed for the first time.
  if (connection_ != nullptr) {
    if (auto read = ReadStandbys(); !read) OnFailure(read.error());
  }
  while (!queue_.failed()) {
    if (queue_.stopped() && (Drained() || clock_.MonotonicNs() >= stop_at_ns_)) break;
    const bool away = connection_ == nullptr;
    // A batch that was interrupted is sent again at once.
    if (away || batch_.empty()) {
      queue_.Wait(HurriedCommitNs(), next_commit_ns_, away ? retry_at_ns_ : next_renewal_ns_,
                  options_.commit_bytes, away);
    }
    // While stopping, waits end at once: keep the pauses between attempts nevertheless.
    if (away && queue_.stopped() && clock_.MonotonicNs() < retry_at_ns_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kFirstBackoffMs));
      continue;
    }
    auto done = away ? Reconnect() : Work();
    if (!done) OnFailure(done.error());
  }
  if (connection_ != nullptr && !fenced_) {
    auto given = GiveUpOwnership(connection_.get(), options_.owner, kReconnectTimeoutMs);
    if (!given) log::Warn("postgres", "could not end the lease", {{"err", given.error()}});
  }
  connection_.reset();
  connected_ = false;
  queue_.Fail(Unavailable("the journal is closed"));
}

int64_t PostgresJournal::HurriedCommitNs() const {
  const int64_t spared_ms = std::max<int64_t>(0, options_.commit_interval_ms - kHurriedIntervalMs);
  return next_commit_ns_ - spared_ms * 1'000'000;
}

bool PostgresJournal::Drained() const { return batch_.empty() && queue_.figures().bytes == 0; }

Result<void> PostgresJournal::Work() {
  if (clock_.MonotonicNs() >= next_renewal_ns_) TRY(Renew());
  if (queue_.WantsSeriesIds()) TRY(FetchSeriesIds());
  return CommitNext();
}

Result<void> PostgresJournal::Renew() {
  next_renewal_ns_ = clock_.MonotonicNs() + options_.lease_ms * 1'000'000 / 3;
  if (!TRY(RenewLease(connection_.get(), options_.owner, options_.lease_ms,
                      options_.write_timeout_ms))) {
    next_renewal_ns_ = clock_.MonotonicNs() + kUnlockedRenewalMs * 1'000'000;
  }
  return ReadStandbys();
}

Result<void> PostgresJournal::ReadStandbys() {
  std::vector<std::string> urls;
  for (Member& member :
       TRY(ReadMembers(connection_.get(), kStandbySeenMs, options_.write_timeout_ms))) {
    if (member.role == "standby") urls.push_back(std::move(member.url));
  }
  // After a long outage nobody has given a sign of life yet: those from before may lead.
  if (!urls.empty()) standbys_.Set(std::move(urls));
  return Ok();
}

Result<void> PostgresJournal::FetchSeriesIds() {
  const Rows rows =
      TRY(connection_->Query("SELECT nextval('vigil.series_id_block')", options_.write_timeout_ms));
  queue_.AddSeriesIds(rows.Int(0, 0), kSeriesIdBlock);
  return Ok();
}

Result<void> PostgresJournal::CommitNext() {
  const int64_t start_ns = clock_.MonotonicNs();
  if (batch_.empty()) {
    const int64_t due_ns = queue_.HasWaiters() ? HurriedCommitNs() : next_commit_ns_;
    if (start_ns < due_ns && !queue_.stopped() && queue_.figures().bytes < options_.commit_bytes) {
      return Ok();
    }
    batch_ = queue_.Take(options_.commit_bytes);
  }
  if (batch_.empty()) return Ok();
  next_commit_ns_ = start_ns + options_.commit_interval_ms * 1'000'000;
  TRY(WriteBatch());
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
  figures_.With([&](JournalMetrics& m) {
    ++m.commits;
    m.commit_seconds += seconds;
    m.last_commit_seconds = seconds;
  });
  FinishBatch(batch_.size());
  return Ok();
}

int PostgresJournal::SlotOfSmallBatch() const {
  uint64_t bytes = 0;
  const JournalEntry* last = nullptr;
  for (const JournalEntry& entry : batch_) {
    // Pages on both sides of a cut go to two tables.
    if (!entry.series.empty() || entry.cuts != batch_.front().cuts) return -1;
    bytes += entry.bytes;
    if (!entry.pages.empty()) last = &entry;
  }
  if (last == nullptr || bytes > JournalInsert::kMaxBytes) return -1;
  return ring_->TableFor(last->cuts, last->last());
}

Result<void> PostgresJournal::WriteBatch() {
  const int slot = SlotOfSmallBatch();
  if (slot < 0) return WriteTransaction();
  if (!insert_) insert_.emplace(connection_.get());
  return insert_->Write(batch_, slot, options_.owner, options_.write_timeout_ms);
}

Result<void> PostgresJournal::WriteTransaction() {
  TRY(connection_->Execute("BEGIN", options_.write_timeout_ms));
  TRY(HoldFence(connection_.get(), options_.owner, options_.write_timeout_ms));
  TRY(WriteSeries());
  TRY(WritePages());
  return connection_->Execute("COMMIT", options_.write_timeout_ms);
}

Result<void> PostgresJournal::WriteSeries() {
  SeriesInsert insert(connection_.get(), options_.write_timeout_ms);
  for (const JournalEntry& entry : batch_) {
    for (const storage::SeriesRecord& record : entry.series) TRY(insert.Add(record));
  }
  TRY(insert.Finish());
  figures_.With([&](JournalMetrics& m) { m.mended_labels += insert.mended(); });
  return Ok();
}

Result<void> PostgresJournal::WritePages() {
  size_t first = 0;
  int slot = -1;
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (batch_[i].pages.empty()) continue;
    const int wanted = ring_->TableFor(batch_[i].cuts, batch_[i].last());
    if (slot >= 0 && wanted != slot) {
      TRY(CopyPages(first, i, slot));
      first = i;
    }
    slot = wanted;
  }
  return slot < 0 ? Ok() : CopyPages(first, batch_.size(), slot);
}

Result<void> PostgresJournal::CopyPages(size_t first, size_t end, int slot) {
  TRY(connection_->BeginCopyIn(
      "COPY " + JournalTableName(slot) + " (ingester, seq, page) FROM STDIN (FORMAT binary)",
      options_.write_timeout_ms));
  scratch_.clear();
  AppendCopyHeader(&scratch_);
  for (size_t i = first; i < end; ++i) {
    auto seq = static_cast<int64_t>(batch_[i].first);
    for (const std::string& page : batch_[i].pages) {
      AppendInt16(3, &scratch_);
      AppendInt32(4, &scratch_);
      AppendInt32(options_.owner.ingester, &scratch_);
      AppendInt32(8, &scratch_);
      AppendInt64(seq++, &scratch_);
      AppendInt32(static_cast<int32_t>(page.size()), &scratch_);
      scratch_.append(page);
      if (scratch_.size() < kCopyPieceBytes) continue;
      TRY(connection_->PutCopyData(scratch_, options_.write_timeout_ms));
      scratch_.clear();
    }
  }
  AppendCopyTrailer(&scratch_);
  TRY(connection_->PutCopyData(scratch_, options_.write_timeout_ms));
  return connection_->FinishCopyIn(options_.write_timeout_ms);
}

void PostgresJournal::FinishBatch(size_t count) {
  JournalPosition position = 0;
  uint64_t bytes = 0;
  uint64_t series = 0;
  uint64_t pages = 0;
  for (size_t i = 0; i < count; ++i) {
    position = batch_[i].last();
    bytes += batch_[i].bytes;
    series += batch_[i].series.size();
    pages += batch_[i].pages.size();
  }
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(count));
  figures_.With([&](JournalMetrics& m) {
    m.committed_pages += pages;
    m.committed_bytes += bytes;
    m.committed_series += series;
  });
  queue_.Committed(position, bytes, series);
}

Result<void> PostgresJournal::Reconnect() {
  auto connection = TRY(Connection::Open(options_.conninfo, std::string(kApplication),
                                         kWriterSession, kReconnectTimeoutMs));
  insert_.reset();
  connection_ = std::move(connection);
  TRY(Renew());
  TRY(DropCommitted());
  backoff_ms_ = 0;
  connected_ = true;
  queue_.NoteError({});
  figures_.With([](JournalMetrics& m) { ++m.reconnects; });
  log::Info("postgres", "connected to the database again",
            {{"queued_bytes", queue_.figures().bytes}});
  return Ok();
}

Result<void> PostgresJournal::DropCommitted() {
  const JournalSpans spans =
      TRY(ReadJournalSpans(connection_.get(), options_.owner.ingester, options_.write_timeout_ms));
  const JournalPosition newest = NewestOf(spans);
  // Batches are all or nothing: what stands before a committed page is committed too.
  size_t count = 0;
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (!batch_[i].pages.empty() && batch_[i].last() <= newest) count = i + 1;
  }
  if (count > 0) FinishBatch(count);
  return Ok();
}

void PostgresJournal::OnFailure(const Error& error) {
  // The only not_found in here is the fence's.
  if (error.kind == ErrorKind::kNotFound) {
    fenced_ = true;
    log::Error("postgres", "lost the database", {{"err", error}});
    queue_.Fail(Unavailable(error.message));
    if (options_.on_fenced) options_.on_fenced();
  }
  insert_.reset();
  connection_.reset();
  connected_ = false;
  backoff_ms_ = std::clamp(backoff_ms_ * 2, kFirstBackoffMs, kLongestBackoffMs);
  const int64_t pause_ms = WithJitter(backoff_ms_);
  retry_at_ns_ = clock_.MonotonicNs() + pause_ms * 1'000'000;
  queue_.NoteError(error.message);
  figures_.With([](JournalMetrics& m) { ++m.failures; });
  log::Warn("postgres", "the journal could not be written, trying again",
            {{"err", error}, {"retry_ms", pause_ms}});
}

JournalMetrics PostgresJournal::metrics() const {
  JournalMetrics metrics = figures_.Copy();
  const JournalQueue::Figures queued = queue_.figures();
  metrics.queued_pages = queued.pages;
  metrics.queued_bytes = queued.bytes;
  metrics.max_queued_bytes = options_.max_queued_bytes;
  metrics.spool_bytes = options_.spool_bytes;
  metrics.queued_series = queued.series;
  metrics.last_position = queued.last;
  metrics.durable_position = queued.durable;
  metrics.last_error = queued.error;
  metrics.ring_tables_in_use = ring_->in_use();
  metrics.ring_full = ring_->full();
  metrics.connected = connected_;
  metrics.fenced = fenced_;
  return metrics;
}

}  // namespace vigil::postgres
