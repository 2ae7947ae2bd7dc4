// SPDX-License-Identifier: Apache-2.0
#include "server/storage/store.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "client-lib/base/log.h"
#include "server/storage/limits.h"
#include "server/storage/store_counters.h"

namespace vigil::storage {
namespace {

constexpr std::string_view kComponent = "store";

}  // namespace

Store::Store(Recent& recent, Journal& journal, ChunkStore& chunks, const Clock& clock,
             StoreOptions options)
    : recent_(recent),
      journal_(journal),
      chunks_(chunks),
      clock_(clock),
      options_(options),
      counters_(std::make_unique<Counters>()),
      exemplars_(recent) {}

Store::~Store() = default;

Result<void> Store::Recover(Recovery& recovery) {
  // What the database holds of one series is not known, only where all chunks end.
  const TimestampMs stored_until =
      TRY_CONTEXT(recovery.NewestInChunks(), "asking how far the chunks go");
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
  counters_->replayed_samples += recent_.FinishReplay().samples;
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
  if (auto fits = CheckLengths(labels); !fits) {
    ++counters_->refused_too_long;
    return fits.error();
  }
  TRY(CheckLimits(labels));
  const Result<SeriesId> next = journal_.NextSeriesId();
  if (!next.has_value()) {
    ++counters_->refused_database;
    return next.error().Prefixed("creating a series");
  }
  const SeriesId id = *next;
  {
    // Before anybody can find the series, so that its record is queued before its samples.
    MutexLock enqueue_lock(enqueue_mutex_);
    new_series_.push_back({id, labels});
  }
  ++counters_->series_created;
  return recent_.Insert(id, labels, INT64_MIN);
}

uint64_t Store::IdleOfJob(std::string_view job) {
  auto found = idle_of_job_.find(job);
  if (found == idle_of_job_.end())
    found = idle_of_job_.emplace(std::string(job), IdleCount()).first;
  IdleCount& count = found->second;
  const uint64_t flushes = counters_->flushes;
  if (count.flushes != flushes) count = {recent_.CountIdle("job", job), flushes};
  return count.idle;
}

Result<void> Store::CheckLimits(const Labels& labels) {
  if (options_.max_series > 0 && recent_.series_count() >= options_.max_series &&
      recent_.series_count() - recent_.Stats().idle_series >= options_.max_series) {
    ++counters_->refused_max_series;
    return BadData("the limit of " + std::to_string(options_.max_series) +
                   " series (--storage.max-series) is reached: " + labels.ToMetricString() +
                   " was not created");
  }
  const std::string_view job = labels.Get("job");
  const uint64_t limit = job_limits_.With([job](const JobLimits& limits) {
    const auto found = limits.by_job.find(job);
    return found == limits.by_job.end() ? limits.others : found->second;
  });
  if (limit == 0 || job.empty()) return Ok();
  const uint64_t known = recent_.CountWith("job", job);
  if (known < limit || known - std::min(known, IdleOfJob(job)) < limit) return Ok();
  ++counters_->refused_job_limit;
  return BadData("the limit of " + std::to_string(limit) + " series (series_limit) of the job \"" +
                 std::string(job) + "\" is reached: " + labels.ToMetricString() +
                 " was not created");
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
  const bool scraped = mode == AppendMode::kSkipRejected;
  if (!journal_.HasRoom(scraped ? Writer::kLosesSamples : Writer::kKeepsSamples)) {
    ++(scraped ? counters_->scrapes_refused : counters_->senders_refused);
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
  counters_->samples_appended += outcome.accepted - outcome.accepted_histograms;
  if (outcome.accepted_histograms > 0) {
    counters_->histograms_appended += outcome.accepted_histograms;
  }
  if (outcome.accepted_late > 0) counters_->late_appended += outcome.accepted_late;
  if (outcome.duplicates_same > 0) counters_->duplicates_same += outcome.duplicates_same;
  if (outcome.rejected() == 0) return;
  counters_->out_of_order += outcome.out_of_order;
  counters_->duplicates += outcome.duplicates;
  counters_->out_of_bounds += outcome.out_of_bounds;
  counters_->unknown_series += outcome.unknown_series;
  counters_->too_old += outcome.too_old;
  counters_->broken_histograms += outcome.broken_histograms;
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

Result<std::vector<SeriesExemplars>> Store::SelectExemplars(
    const std::vector<std::vector<Matcher>>& selectors, TimestampMs start, TimestampMs end) const {
  return exemplars_.Select(selectors, start, end, exemplar_table_.load());
}

Result<void> Store::RestoreExemplars(ExemplarTable& table) {
  const uint64_t capacity = exemplars_.Stats().capacity;
  if (capacity == 0) return Ok();
  exemplar_table_ = &table;
  exemplars_.Restore(TRY_CONTEXT(table.ReadNewest(capacity), "reading exemplars"));
  return Ok();
}

Result<size_t> Store::WriteExemplars(ExemplarTable& table) {
  std::vector<ExemplarRow> rows = exemplars_.TakeNew();
  if (rows.empty()) return size_t{0};
  const size_t count = rows.size();
  const Result<void> written = table.WriteExemplars(rows);
  if (written) return count;
  exemplars_.GiveBack(std::move(rows));
  return written.error();
}

Result<void> Store::RestoreMetadata(MetadataTable& table) {
  metadata_.Restore(TRY_CONTEXT(table.ReadMetadata(), "reading metadata"));
  const Result<void> expired = ExpireMetadata(table, clock_.Now());
  if (!expired) log::Warn(kComponent, "metadata was not tidied up", {{"err", expired.error()}});
  return Ok();
}

Result<void> Store::ExpireMetadata(MetadataTable& table, TimestampMs told_before) {
  metadata_expired_at_ = clock_.Now();
  const std::vector<std::string> metrics = recent_.LabelValues(kMetricName);
  const std::vector<std::string> gone = metadata_.Unused(metrics, told_before);
  if (gone.empty()) return Ok();
  TRY_CONTEXT(table.RemoveMetadata(gone), "removing metadata of metrics without series");
  metadata_.Forget(gone, told_before);
  log::Debug(kComponent, "forgot the metadata of metrics without series",
             {{"metrics", static_cast<uint64_t>(gone.size())}});
  return Ok();
}

Result<size_t> Store::WriteMetadata(MetadataTable& table) {
  const TimestampMs now = clock_.Now();
  if (now - metadata_expired_at_ >= kMetadataGraceMs) {
    TRY(ExpireMetadata(table, now - kMetadataGraceMs));
  }
  const std::vector<MetricMetadata> rows = metadata_.TakeChanged();
  if (rows.empty()) return size_t{0};
  const Result<void> written = table.WriteMetadata(rows);
  if (written) return rows.size();
  metadata_.GiveBack(rows);
  return written.error();
}

StoreStats Store::Stats() const {
  const Counters& c = *counters_;
  StoreStats stats;
  stats.recent = recent_.Stats();
  stats.series_created = c.series_created;
  stats.refused_max_series = c.refused_max_series;
  stats.refused_job_limit = c.refused_job_limit;
  stats.refused_too_long = c.refused_too_long;
  stats.refused_database = c.refused_database;
  stats.samples_appended = c.samples_appended;
  stats.histograms_appended = c.histograms_appended;
  stats.late_appended = c.late_appended;
  stats.too_old = c.too_old;
  stats.duplicates_same = c.duplicates_same;
  stats.out_of_order = c.out_of_order;
  stats.duplicates = c.duplicates;
  stats.out_of_bounds = c.out_of_bounds;
  stats.unknown_series = c.unknown_series;
  stats.broken_histograms = c.broken_histograms;
  stats.senders_refused = c.senders_refused;
  stats.scrapes_refused = c.scrapes_refused;
  stats.journal_pages = c.journal_pages;
  stats.journal_bytes = c.journal_bytes;
  stats.replayed_pages = c.replayed_pages;
  stats.replayed_samples = c.replayed_samples;
  stats.corrupt_pages = c.corrupt_pages;
  stats.orphan_samples = c.orphan_samples;
  stats.corrupt_chunks = *c.corrupt_chunks;
  stats.rollup_reads = c.rollup_reads;
  stats.summed_chunks = *c.summed_chunks;
  stats.flushes = c.flushes;
  stats.flushes_failed = c.flushes_failed;
  stats.flushed_chunks = c.flushed_chunks;
  stats.flushed_samples = c.flushed_samples;
  stats.flushed_bytes = c.flushed_bytes;
  stats.last_flush_seconds = static_cast<double>(c.last_flush_ns) / 1e9;
  stats.flush_seconds_total = static_cast<double>(c.flush_ns) / 1e9;
  stats.last_flush_time = c.last_flush_time;
  stats.exemplars = exemplars_.Stats();
  return stats;
}

}  // namespace vigil::storage
