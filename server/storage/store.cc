// SPDX-License-Identifier: Apache-2.0
#include "server/storage/store.h"

#include <mutex>
#include <shared_mutex>
#include <utility>

#include "client-lib/base/log.h"
#include "server/storage/store_counters.h"

namespace vigil::storage {
namespace {

constexpr std::string_view kComponent = "store";
// How far ahead of the clock a sample in the database may be (what the head accepts).
constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;

}  // namespace

Store::Store(Recent& recent, Journal& journal, ChunkStore& chunks, const Clock& clock,
             StoreOptions options)
    : recent_(recent),
      journal_(journal),
      chunks_(chunks),
      clock_(clock),
      options_(options),
      counters_(std::make_unique<Counters>()) {}

Store::~Store() = default;

Result<void> Store::Recover(Recovery& recovery) {
  // What the database holds of a series is not known, only that it cannot be from later.
  const TimestampMs stored_until = clock_.Now() + kMaxAheadMs;
  size_t twins = 0;
  TRY_CONTEXT(recovery.LoadSeries([&](SeriesRecord record) {
    const SeriesRef ref = recent_.Insert(record.id, record.labels, stored_until);
    if (recent_.id(ref) != record.id) ++twins;
  }),
              "loading the series");
  if (twins > 0) {
    log::Warn(kComponent, "the catalogue has series twice: the samples of the second are not read",
              {{"series", static_cast<uint64_t>(twins)}});
  }
  TRY_CONTEXT(recovery.ReplayJournal([&](std::string_view page) {
    const Result<ReplayedPage> replayed = recent_.Replay(page);
    if (!replayed.has_value()) {
      ++counters_->corrupt_pages;
      log::Error(kComponent, "a page of the journal is broken and was skipped",
                 {{"err", replayed.error()}});
      return;
    }
    ++counters_->replayed_pages;
    counters_->replayed_samples += replayed->samples;
    counters_->orphan_samples += replayed->unknown_series;
  }),
              "replaying the journal");
  recent_.FinishReplay();
  log::Info(kComponent, "recovered",
            {{"series", static_cast<uint64_t>(recent_.series_count())},
             {"journal_pages", counters_->replayed_pages.load()},
             {"journal_samples", counters_->replayed_samples.load()},
             {"broken_pages", counters_->corrupt_pages.load()},
             {"orphan_samples", counters_->orphan_samples.load()}});
  return Ok();
}

Result<SeriesRef> Store::Resolve(const Labels& labels) {
  const SeriesRef ref = recent_.Find(labels);
  if (ref != 0) return ref;
  return Create(labels);
}

Result<SeriesRef> Store::Create(const Labels& labels) {
  if (labels.empty()) return BadData("a series needs at least one label");
  MutexLock lock(create_mutex_);
  const SeriesRef ref = recent_.Find(labels);
  if (ref != 0) return ref;
  if (options_.max_series > 0 && recent_.series_count() >= options_.max_series) {
    return Unavailable("the limit of " + std::to_string(options_.max_series) +
                       " series is reached: " + labels.ToMetricString() + " was not created");
  }
  const SeriesId id = TRY_CONTEXT(journal_.NextSeriesId(), "creating a series");
  {
    // Before anybody can find the series, so that its record is queued before its samples.
    MutexLock enqueue_lock(enqueue_mutex_);
    new_series_.push_back({id, labels});
  }
  ++counters_->series_created;
  return recent_.Insert(id, labels, INT64_MIN);
}

JournalPosition Store::Enqueue(std::vector<std::string> pages) {
  MutexLock lock(enqueue_mutex_);
  // A batch of which nothing was taken may repeat samples that are still on their way: whoever
  // waits for it waits for those.
  if (pages.empty()) return last_position_;
  last_position_ = journal_.Enqueue(std::exchange(new_series_, {}), std::move(pages));
  return last_position_;
}

Result<AppendOutcome> Store::Append(const SampleBatch& batch, AppendMode mode) {
  if (!journal_.HasRoom()) {
    ++counters_->appends_refused;
    return Unavailable(
        "the journal is full because the database is behind or away: send the samples again later");
  }
  static thread_local AcceptedSamples accepted;  // keeps its capacity from batch to batch
  accepted.Clear();
  std::vector<std::string> pages;
  AppendOutcome outcome;
  {
    const std::shared_lock<Barrier> pass(barrier_);
    outcome = recent_.Append(batch, mode, &accepted);
    recent_.EncodePages(accepted, &pages);
    counters_->journal_pages += pages.size();
    for (const std::string& page : pages) counters_->journal_bytes += page.size();
    outcome.position = Enqueue(std::move(pages));
  }
  CountOutcome(outcome);
  return outcome;
}

void Store::CountOutcome(const AppendOutcome& outcome) {
  counters_->samples_appended += outcome.accepted;
  if (outcome.duplicates_same > 0) counters_->duplicates_same += outcome.duplicates_same;
  if (outcome.rejected() == 0) return;
  counters_->out_of_order += outcome.out_of_order;
  counters_->duplicates += outcome.duplicates;
  counters_->out_of_bounds += outcome.out_of_bounds;
  counters_->unknown_series += outcome.unknown_series;
}

Result<void> Store::WaitDurable(JournalPosition position, int64_t timeout_ms) {
  return journal_.WaitDurable(position, timeout_ms);
}

Store::PendingFlush Store::CutFlush() {
  PendingFlush pending;
  {
    const std::unique_lock<Barrier> alone(barrier_);
    recent_.BeginGeneration();
    pending.cut = journal_.Cut();
  }
  pending.chunks = recent_.Seal();
  return pending;
}

Result<void> Store::WriteFlush(const PendingFlush& pending, FlushReport* report) {
  // No chunk may be of a series that the catalogue does not have yet.
  TRY_CONTEXT(journal_.WaitDurable(pending.cut, options_.flush_wait_ms),
              "waiting for the journal before a flush");
  FlushReport written;
  pending.chunks->Rewind();
  TRY_CONTEXT(chunks_.WriteFlush(
                  [&](ChunkRow* row) {
                    if (!pending.chunks->Next(row)) return false;
                    ++written.chunks;
                    written.samples += row->count;
                    written.bytes += row->data.size();
                    return true;
                  },
                  pending.cut),
              "writing the chunks of a flush");
  recent_.MarkFlushed();
  report->chunks += written.chunks;
  report->samples += written.samples;
  report->bytes += written.bytes;
  counters_->flushed_chunks += written.chunks;
  counters_->flushed_samples += written.samples;
  counters_->flushed_bytes += written.bytes;
  return Ok();
}

Result<FlushReport> Store::Flush() {
  MutexLock lock(flush_mutex_);
  const int64_t begin = clock_.MonotonicNs();
  FlushReport report;
  for (bool again = true; again;) {
    again = pending_flush_.has_value();
    if (!again) pending_flush_ = CutFlush();
    const Result<void> written = WriteFlush(*pending_flush_, &report);
    if (!written.has_value()) {
      ++counters_->flushes_failed;
      return written.error();
    }
    pending_flush_.reset();
  }
  const int64_t took = clock_.MonotonicNs() - begin;
  ++counters_->flushes;
  counters_->last_flush_ns = took;
  counters_->flush_ns += took;
  counters_->last_flush_time = clock_.Now();
  log::Info(kComponent, "flushed",
            {{"chunks", report.chunks},
             {"samples", report.samples},
             {"bytes", report.bytes},
             {"seconds", static_cast<double>(took) / 1e9}});
  return report;
}

StoreStats Store::Stats() const {
  const Counters& c = *counters_;
  StoreStats stats;
  stats.recent = recent_.Stats();
  stats.series_created = c.series_created;
  stats.samples_appended = c.samples_appended;
  stats.duplicates_same = c.duplicates_same;
  stats.out_of_order = c.out_of_order;
  stats.duplicates = c.duplicates;
  stats.out_of_bounds = c.out_of_bounds;
  stats.unknown_series = c.unknown_series;
  stats.appends_refused = c.appends_refused;
  stats.journal_pages = c.journal_pages;
  stats.journal_bytes = c.journal_bytes;
  stats.replayed_pages = c.replayed_pages;
  stats.replayed_samples = c.replayed_samples;
  stats.corrupt_pages = c.corrupt_pages;
  stats.orphan_samples = c.orphan_samples;
  stats.corrupt_chunks = *c.corrupt_chunks;
  stats.flushes = c.flushes;
  stats.flushes_failed = c.flushes_failed;
  stats.flushed_chunks = c.flushed_chunks;
  stats.flushed_samples = c.flushed_samples;
  stats.flushed_bytes = c.flushed_bytes;
  stats.last_flush_seconds = static_cast<double>(c.last_flush_ns) / 1e9;
  stats.flush_seconds_total = static_cast<double>(c.flush_ns) / 1e9;
  stats.last_flush_time = c.last_flush_time;
  return stats;
}

}  // namespace vigil::storage
