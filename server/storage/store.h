// SPDX-License-Identifier: Apache-2.0
// The store: joins the memory of recent samples (Recent), the journal that makes them safe
// (Journal) and the table of chunks (ChunkStore) behind Appender and Queryable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "server/storage/backend.h"
#include "server/storage/barrier.h"
#include "server/storage/exemplar_store.h"
#include "server/storage/metadata_store.h"
#include "server/storage/recent.h"
#include "server/storage/rollup_store.h"
#include "server/storage/storage.h"
#include "server/storage/tombstones.h"

namespace vigil::storage {

class MergedSeriesSet;  // server/storage/merged_series_set.h
struct RolledUpGroup;   // server/storage/rolled_up_series_set.h

// How many series one job (value of the label `job`) may have, idle ones not counted; 0: no limit.
struct JobLimits {
  std::map<std::string, uint64_t, std::less<>> by_job;
  uint64_t others = 0;
};

struct StoreOptions {
  uint64_t max_series = 0;  // idle ones not counted; 0: no limit
  // How long a flush waits for the journal to be committed up to its cut.
  int64_t flush_wait_ms = 30'000;
};

// Counters since start and present sizes, for /metrics.
struct StoreStats {
  RecentStats recent;           // prometheus_tsdb_head_series, _head_{min,max}_time, vigil_head_*
  uint64_t series_created = 0;  // prometheus_tsdb_head_series_created_total
  // vigil_head_series_refused_total{reason="max_series"|"job_limit"|"too_long"|"database"}
  uint64_t refused_max_series = 0;
  uint64_t refused_job_limit = 0;
  uint64_t refused_too_long = 0;
  uint64_t refused_database = 0;
  // prometheus_tsdb_head_samples_appended_total{type="float"|"histogram"}
  uint64_t samples_appended = 0;  // floats
  uint64_t histograms_appended = 0;
  uint64_t late_appended = 0;      // prometheus_tsdb_head_out_of_order_samples_appended_total
  uint64_t too_old = 0;            // prometheus_tsdb_too_old_samples_total
  uint64_t duplicates_same = 0;    // vigil_head_samples_repeated_total
  uint64_t out_of_order = 0;       // prometheus_tsdb_out_of_order_samples_total
  uint64_t duplicates = 0;         // vigil_head_samples_rejected_total{reason="duplicate"}
  uint64_t out_of_bounds = 0;      // prometheus_tsdb_out_of_bound_samples_total
  uint64_t unknown_series = 0;     // vigil_head_samples_rejected_total{reason="unknown_series"}
  uint64_t broken_histograms = 0;  // …{reason="broken_histogram"}
  // vigil_head_appends_refused_total{writer="sender"|"scrape"}: the journal had no room
  uint64_t senders_refused = 0;
  uint64_t scrapes_refused = 0;
  uint64_t journal_pages = 0;     // vigil_journal_pages_total
  uint64_t journal_bytes = 0;     // vigil_journal_bytes_total
  uint64_t replayed_pages = 0;    // vigil_journal_replayed_pages_total
  uint64_t replayed_samples = 0;  // vigil_journal_replayed_samples_total
  uint64_t corrupt_pages = 0;     // prometheus_tsdb_wal_corruptions_total
  uint64_t orphan_samples = 0;    // vigil_journal_orphan_samples_total: series not in the catalogue
  uint64_t corrupt_chunks = 0;    // vigil_chunks_corrupt_total: read and skipped
  uint64_t rollup_reads = 0;      // vigil_rollup_reads_total: by queries, one per resolution
  uint64_t summed_chunks = 0;     // vigil_chunks_summed_total: their summary was enough
  uint64_t flushes = 0;           // prometheus_tsdb_compactions_total
  uint64_t flushes_failed = 0;    // prometheus_tsdb_compactions_failed_total
  uint64_t flushed_chunks = 0;    // vigil_flush_chunks_total
  uint64_t flushed_samples = 0;   // vigil_flush_samples_total
  uint64_t flushed_bytes = 0;     // vigil_flush_bytes_total: encoded chunks
  double last_flush_seconds = 0;  // vigil_flush_last_duration_seconds
  double flush_seconds_total = 0;   // vigil_flush_duration_seconds_total
  TimestampMs last_flush_time = 0;  // vigil_flush_last_success_timestamp_seconds, 0: never
  ExemplarStats exemplars;
};

// What one flush wrote.
struct FlushReport {
  uint64_t chunks = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
};

// Threads: any; Recover() before everything else. The objects given to the constructor must
// outlive the store.
class Store : public Appender, public Queryable, public ExemplarQueryable, public MetadataReader {
 public:
  Store(Recent& recent, Journal& journal, ChunkStore& chunks, const Clock& clock,
        StoreOptions options = {});
  ~Store() override;

  // Loads the catalogue and replays the journal. A broken page is counted, logged and skipped; an
  // error means the database failed and the store must not serve.
  Result<void> Recover(Recovery& recovery);

  Result<SeriesRef> Resolve(const Labels& labels) override;
  Result<AppendOutcome> Append(const SampleBatch& batch, AppendMode mode) override;
  void AppendExemplars(const ExemplarBatch& batch) override { exemplars_.Append(batch); }
  Result<void> WaitDurable(JournalPosition position, int64_t timeout_ms) override;

  Result<std::unique_ptr<SeriesSet>> Select(const std::vector<Matcher>& matchers,
                                            const SelectHints& hints) const override;
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                              TimestampMs start, TimestampMs end) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const override;

  Result<std::vector<SeriesExemplars>> SelectExemplars(
      const std::vector<std::vector<Matcher>>& selectors, TimestampMs start,
      TimestampMs end) const override;
  void PutMetadata(std::span<const MetricMetadata> rows) override {
    metadata_.Put(rows, clock_.Now());
  }
  [[nodiscard]] std::vector<MetricMetadata> Metadata(const std::string& metric) const override {
    return metadata_.Get(metric);
  }
  // As those of exemplars, below. Both take care that metadata of metrics without series go: at the
  // start at once, later when they have not been told for kMetadataGraceMs.
  Result<void> RestoreMetadata(MetadataTable& table);
  Result<size_t> WriteMetadata(MetadataTable& table);
  static constexpr int64_t kMetadataGraceMs = 3'600'000;

  // How many exemplars memory keeps; 0: none are taken.
  void SetMaxExemplars(size_t count) { exemplars_.Resize(count); }
  // Fills memory with the newest of the table, which is asked from now on for what memory does not
  // hold: it must outlive the store. After Recover().
  Result<void> RestoreExemplars(ExemplarTable& table);
  // Writes the exemplars that came since the last call. After an error the next call takes them.
  Result<size_t> WriteExemplars(ExemplarTable& table);

  // Writes all samples that are only in memory and journal into chunks, in one transaction (two
  // when the flush before failed). Appends go on meanwhile (they pause for the moment of the cut).
  // After an error everything stays in memory and journal, and the next flush takes it all. Call it
  // on a schedule and at a clean stop.
  Result<FlushReport> Flush();

  // Where old samples are rolled up; null: nowhere. Before queries come; must outlive the store.
  void SetRollups(const RollupStore* rollups) { rollups_ = rollups; }
  // Readers that begin from now on leave these samples out. Null or empty: none.
  void SetTombstones(std::shared_ptr<const Tombstones> tombstones);
  // Of all series that match and may have samples in [start, end]; sorted.
  [[nodiscard]] std::vector<SeriesId> MatchIds(const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const;

  [[nodiscard]] StoreStats Stats() const;
  [[nodiscard]] Cardinality GetCardinality(size_t limit) const {
    return recent_.GetCardinality(limit);
  }

  // Series that are there already go on, however many.
  void SetJobLimits(JobLimits limits) { job_limits_.Set(std::move(limits)); }

 private:
  struct Counters;

  Result<SeriesRef> Create(const Labels& labels) EXCLUDES_LOCK(create_mutex_);
  Result<void> CheckLimits(const Labels& labels) REQUIRES_LOCK(create_mutex_);
  // As of the last flush.
  uint64_t IdleOfJob(std::string_view job) REQUIRES_LOCK(create_mutex_);
  JournalPosition Enqueue(std::vector<std::string> pages) EXCLUDES_LOCK(enqueue_mutex_);
  // A flush that has been cut and is not written yet.
  struct PendingFlush {
    JournalPosition cut = 0;
    std::unique_ptr<SealedChunks> chunks;
  };
  PendingFlush CutFlush();
  Result<void> WriteFlush(const PendingFlush& pending, FlushReport* report);
  [[nodiscard]] std::vector<SeriesRef> MatchIn(const std::vector<Matcher>& matchers,
                                               TimestampMs start, TimestampMs end) const;
  // The series of the refs, which are sorted by labels, with samples in [start, end].
  Result<std::unique_ptr<MergedSeriesSet>> SelectRefs(
      const std::vector<SeriesRef>& refs, const SelectHints& hints, TimestampMs start,
      TimestampMs end, const std::shared_ptr<const Tombstones>& tombstones) const;
  // Null when there are samples only.
  Result<std::unique_ptr<SeriesSet>> SelectRolledUp(
      const std::vector<SeriesRef>& refs, const SelectHints& hints,
      const std::shared_ptr<const Tombstones>& tombstones) const;
  // The samples that the group's pieces leave.
  Result<void> SelectBeside(const std::vector<SeriesRef>& members, const SelectHints& hints,
                            const std::shared_ptr<const Tombstones>& tombstones,
                            RolledUpGroup* group) const;
  Result<void> ReadTables(const std::vector<SeriesRef>& refs, SummaryMask columns,
                          RolledUpGroup* group) const;
  void CountOutcome(const AppendOutcome& outcome);
  // Forgets the metadata of metrics that have no series and were told before this time.
  Result<void> ExpireMetadata(MetadataTable& table, TimestampMs told_before);

  // Constant after construction.
  Recent& recent_;
  Journal& journal_;
  ChunkStore& chunks_;
  const RollupStore* rollups_ = nullptr;
  const Clock& clock_;
  const StoreOptions options_;
  const std::unique_ptr<Counters> counters_;  // atomics

  Guarded<std::shared_ptr<const Tombstones>> tombstones_;  // null when there are none

  // Appends hold it shared from the head to the journal's queue, the cut of a flush exclusively:
  // so head and journal agree on what belongs to a generation.
  Barrier barrier_;
  Guarded<JobLimits> job_limits_;
  ExemplarStore exemplars_;
  std::atomic<ExemplarTable*> exemplar_table_ = nullptr;
  MetadataStore metadata_;
  std::atomic<TimestampMs> metadata_expired_at_{0};
  Mutex create_mutex_;  // one creation of a series at a time: an id is never given twice
  // Of jobs that have reached their limit: counting is dear, so once per flush.
  struct IdleCount {
    uint64_t idle = 0;
    uint64_t flushes = UINT64_MAX;  // when it was counted
  };
  std::map<std::string, IdleCount, std::less<>> idle_of_job_ GUARDED_BY(create_mutex_);

  Mutex flush_mutex_;  // one flush at a time
  // A flush that failed is tried again as it was, up to the same position, before a new one: when
  // the database has it after all, it can then tell.
  std::optional<PendingFlush> pending_flush_ GUARDED_BY(flush_mutex_);

  // Held while records and pages are queued, so that no page overtakes the record of its series.
  Mutex enqueue_mutex_;
  std::vector<SeriesRecord> new_series_ GUARDED_BY(enqueue_mutex_);
  JournalPosition last_position_ GUARDED_BY(enqueue_mutex_) = 0;
};

}  // namespace vigil::storage
