// SPDX-License-Identifier: Apache-2.0
// See metrics_page.h.
#include "server/metrics_page.h"

#include <array>
#include <string_view>

#include "client-lib/model/float_text.h"
#include "server/metric_rows.h"

namespace vigil::server {
namespace {

using toolkit::MetricSink;
using Type = MetricSink::MetricType;

void CollectHead(const storage::StoreStats& s, MetricSink* sink) {
  AddRows(std::array<Row, 14>{{
              {"prometheus_tsdb_head_series", "Total number of series in the head block.",
               Type::kGauge, AsDouble(s.recent.series)},
              {"prometheus_tsdb_head_series_created_total",
               "Total number of series created in the head", Type::kCounter,
               AsDouble(s.series_created)},
              {"prometheus_tsdb_head_chunks", "Total number of chunks in the head block.",
               Type::kGauge, AsDouble(s.recent.sealed_chunks + s.recent.series)},
              {"prometheus_tsdb_head_min_time",
               "Minimum time bound of the head block. The unit is decided by the library consumer.",
               Type::kGauge, AsDouble(s.recent.min_time)},
              {"prometheus_tsdb_head_max_time",
               "Maximum timestamp of the head block. The unit is decided by the library consumer.",
               Type::kGauge, AsDouble(s.recent.max_time)},
              {"prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.",
               Type::kCounter, AsDouble(s.corrupt_pages)},
              {"vigil_head_sample_bytes", "Encoded samples in memory.", Type::kGauge,
               AsDouble(s.recent.sample_bytes)},
              {"vigil_head_open_samples", "Samples in memory that no flush has written yet.",
               Type::kGauge, AsDouble(s.recent.open_samples)},
              {"vigil_head_index_bytes", "Label sets and postings in memory (an estimate).",
               Type::kGauge, AsDouble(s.recent.index_bytes)},
              {"vigil_head_label_pairs", "Different label pairs in the index.", Type::kGauge,
               AsDouble(s.recent.label_pairs)},
              {"vigil_head_samples_repeated_total",
               "Samples that came again with the same timestamp and value.", Type::kCounter,
               AsDouble(s.duplicates_same)},
              {"vigil_chunks_corrupt_total", "Chunks that could not be decoded and were skipped.",
               Type::kCounter, AsDouble(s.corrupt_chunks)},
              {"vigil_chunks_summed_total",
               "Chunks whose summary was enough for a query: they were not decoded.",
               Type::kCounter, AsDouble(s.summed_chunks)},
              {"vigil_rollup_reads_total", "Reads of roll-ups by queries.", Type::kCounter,
               AsDouble(s.rollup_reads)},
          }},
          sink);
}

void CollectSamples(const storage::StoreStats& s, MetricSink* sink) {
  const auto appended = sink->Family("prometheus_tsdb_head_samples_appended_total",
                                     "Total number of appended samples.", Type::kCounter);
  sink->Add(appended, {{"type", "float"}}, AsDouble(s.samples_appended));
  sink->Add(appended, {{"type", "histogram"}}, AsDouble(s.histograms_appended));
  const auto late = sink->Family("prometheus_tsdb_head_out_of_order_samples_appended_total",
                                 "Total number of appended out-of-order samples.", Type::kCounter);
  sink->Add(late, {{"type", "float"}}, AsDouble(s.late_appended));
  const auto too_old = sink->Family(
      "prometheus_tsdb_too_old_samples_total",
      "Total number of out of order samples ingestion failed attempts with out of support enabled, "
      "but sample outside of time window.",
      Type::kCounter);
  sink->Add(too_old, {{"type", "float"}}, AsDouble(s.too_old));
  const auto out_of_order = sink->Family(
      "prometheus_tsdb_out_of_order_samples_total",
      "Total number of out of order samples ingestion failed attempts.", Type::kCounter);
  sink->Add(out_of_order, {{"type", "float"}}, AsDouble(s.out_of_order));
  const auto out_of_bounds = sink->Family(
      "prometheus_tsdb_out_of_bound_samples_total",
      "Total number of out of bound samples ingestion failed attempts.", Type::kCounter);
  sink->Add(out_of_bounds, {{"type", "float"}}, AsDouble(s.out_of_bounds));
  const auto rejected = sink->Family("vigil_head_samples_rejected_total",
                                     "Samples refused, by reason.", Type::kCounter);
  sink->Add(rejected, {{"reason", "duplicate"}}, AsDouble(s.duplicates));
  sink->Add(rejected, {{"reason", "unknown_series"}}, AsDouble(s.unknown_series));
  sink->Add(rejected, {{"reason", "broken_histogram"}}, AsDouble(s.broken_histograms));
  const auto refused = sink->Family("vigil_head_series_refused_total",
                                    "New series that were not created, by reason.", Type::kCounter);
  sink->Add(refused, {{"reason", "max_series"}}, AsDouble(s.refused_max_series));
  sink->Add(refused, {{"reason", "job_limit"}}, AsDouble(s.refused_job_limit));
  sink->Add(refused, {{"reason", "too_long"}}, AsDouble(s.refused_too_long));
  sink->Add(refused, {{"reason", "database"}}, AsDouble(s.refused_database));
  const auto appends =
      sink->Family("vigil_head_appends_refused_total",
                   "Batches refused because the journal had no room, by writer.", Type::kCounter);
  sink->Add(appends, {{"writer", "sender"}}, AsDouble(s.senders_refused));
  sink->Add(appends, {{"writer", "scrape"}}, AsDouble(s.scrapes_refused));
}

void CollectFlush(const storage::StoreStats& s, MetricSink* sink) {
  AddRows(
      std::array<Row, 12>{{
          {"prometheus_tsdb_compactions_total",
           "Total number of compactions that were executed for the partition.", Type::kCounter,
           AsDouble(s.flushes)},
          {"prometheus_tsdb_compactions_failed_total",
           "Total number of compactions that failed for the partition.", Type::kCounter,
           AsDouble(s.flushes_failed)},
          {"vigil_flush_chunks_total", "Chunks written by flushes.", Type::kCounter,
           AsDouble(s.flushed_chunks)},
          {"vigil_flush_samples_total", "Samples written by flushes.", Type::kCounter,
           AsDouble(s.flushed_samples)},
          {"vigil_flush_bytes_total", "Encoded bytes written by flushes.", Type::kCounter,
           AsDouble(s.flushed_bytes)},
          {"vigil_flush_last_duration_seconds", "How long the last flush took.", Type::kGauge,
           s.last_flush_seconds},
          {"vigil_flush_duration_seconds_total", "Time spent in flushes.", Type::kCounter,
           s.flush_seconds_total},
          {"vigil_flush_last_success_timestamp_seconds",
           "When the last flush succeeded, 0 for never.", Type::kGauge, Seconds(s.last_flush_time)},
          {"vigil_journal_pages_total", "Journal pages encoded.", Type::kCounter,
           AsDouble(s.journal_pages)},
          {"vigil_journal_bytes_total", "Bytes of journal pages encoded.", Type::kCounter,
           AsDouble(s.journal_bytes)},
          {"vigil_journal_replayed_samples_total", "Samples replayed at the last start.",
           Type::kCounter, AsDouble(s.replayed_samples)},
          {"vigil_journal_orphan_samples_total",
           "Replayed samples whose series is not in the catalogue.", Type::kCounter,
           AsDouble(s.orphan_samples)},
      }},
      sink);
}

void CollectScrapePools(const scrape::Stats& s, MetricSink* sink) {
  const auto targets = sink->Family("prometheus_target_scrape_pool_targets",
                                    "Current number of targets in this scrape pool.", Type::kGauge);
  for (const auto& [pool, count] : s.pool_targets) {
    sink->Add(targets, {{"scrape_job", pool}}, AsDouble(count));
  }
  const auto failed = sink->Family("prometheus_target_sync_failed_total",
                                   "Total number of target sync failures.", Type::kCounter);
  for (const auto& [pool, count] : s.sync_failed) {
    sink->Add(failed, {{"scrape_job", pool}}, AsDouble(count));
  }
  const auto lengths = sink->Family("prometheus_target_interval_length_seconds",
                                    "Actual intervals between scrapes.", Type::kSummary);
  for (const auto& [interval, length] : s.interval_lengths) {
    for (const double q : {0.01, 0.05, 0.5, 0.9, 0.99}) {
      sink->Add(lengths, {{"interval", interval}, {"quantile", FormatFloatG(q)}},
                length.Quantile(q));
    }
    const std::array<LabelView, 1> labels = {{{"interval", interval}}};
    sink->Add(lengths, labels, length.sum_seconds, "_sum");
    sink->Add(lengths, labels, AsDouble(length.count), "_count");
  }
}

}  // namespace

void CollectStore(const storage::StoreStats& stats, MetricSink* sink) {
  CollectHead(stats, sink);
  CollectSamples(stats, sink);
  CollectFlush(stats, sink);
}

void CollectDatabase(const postgres::DatabaseMetrics& m, bool connected, MetricSink* sink) {
  AddRows(
      std::array<Row, 21>{{
          {"vigil_database_connected", "1 while the journal has its database.", Type::kGauge,
           connected ? 1.0 : 0.0},
          {"vigil_database_schema_version", "Version of the schema in use.", Type::kGauge,
           AsDouble(m.schema_version)},
          {"vigil_journal_queued_pages", "Journal pages not committed yet.", Type::kGauge,
           AsDouble(m.journal.queued_pages)},
          {"vigil_journal_queued_bytes", "Bytes of journal pages not committed yet.", Type::kGauge,
           AsDouble(m.journal.queued_bytes)},
          {"vigil_journal_committed_pages_total", "Journal pages committed.", Type::kCounter,
           AsDouble(m.journal.committed_pages)},
          {"vigil_journal_commits_total", "Journal transactions committed.", Type::kCounter,
           AsDouble(m.journal.commits)},
          {"vigil_journal_commit_seconds_total", "Time spent in journal transactions.",
           Type::kCounter, m.journal.commit_seconds},
          {"vigil_journal_failures_total", "Journal transactions that failed and were repeated.",
           Type::kCounter, AsDouble(m.journal.failures)},
          {"vigil_journal_reconnects_total", "Connections of the journal after its first.",
           Type::kCounter, AsDouble(m.journal.reconnects)},
          {"vigil_journal_ring_tables_in_use", "Journal tables that hold pages.", Type::kGauge,
           AsDouble(m.journal.ring_tables_in_use)},
          {"vigil_chunks_leaves", "Leaves (time-range partitions) of the chunk table.",
           Type::kGauge, AsDouble(m.chunks.leaves)},
          {"vigil_chunks_reads_total", "Reads of the chunk table.", Type::kCounter,
           AsDouble(m.chunks.reads)},
          {"vigil_chunks_read_failures_total", "Reads of the chunk table that failed.",
           Type::kCounter, AsDouble(m.chunks.read_failures)},
          {"vigil_chunks_read_rows_total", "Chunks read.", Type::kCounter,
           AsDouble(m.chunks.read_rows)},
          {"vigil_chunks_read_bytes_total", "Bytes of chunks read.", Type::kCounter,
           AsDouble(m.chunks.read_bytes)},
          {"vigil_chunks_read_seconds_total", "Time spent reading chunks.", Type::kCounter,
           m.chunks.read_seconds},
          {"vigil_chunk_cache_hits_total",
           "Chunks of one series in one leaf that queries found in memory.", Type::kCounter,
           AsDouble(m.chunks.cache.hits)},
          {"vigil_chunk_cache_misses_total",
           "Chunks of one series in one leaf that queries had to read from the database.",
           Type::kCounter, AsDouble(m.chunks.cache.misses)},
          {"vigil_chunk_cache_evictions_total",
           "Entries of the chunk cache that made room for others.", Type::kCounter,
           AsDouble(m.chunks.cache.evictions)},
          {"vigil_chunk_cache_entries", "Series of leaves in the chunk cache.", Type::kGauge,
           AsDouble(m.chunks.cache.entries)},
          {"vigil_chunk_cache_bytes", "Memory the chunk cache takes.", Type::kGauge,
           AsDouble(m.chunks.cache.bytes)},
      }},
      sink);
}

void CollectScrape(const scrape::Stats& s, MetricSink* sink) {
  AddRows(
      std::array<Row, 16>{{
          {"prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts.",
           Type::kCounter, AsDouble(s.pool_targets.size())},
          {"prometheus_target_scrape_pool_exceeded_target_limit_total",
           "Total number of times scrape pools hit the target limit, during sync or config "
           "reload.",
           Type::kCounter, AsDouble(s.pools_exceeded_target_limit)},
          {"prometheus_target_scrapes_sample_duplicate_timestamp_total",
           "Total number of samples rejected due to duplicate timestamps but different values.",
           Type::kCounter, AsDouble(s.sample_duplicate_timestamp)},
          {"prometheus_target_scrapes_sample_out_of_order_total",
           "Total number of samples rejected due to not being out of the expected order.",
           Type::kCounter, AsDouble(s.sample_out_of_order)},
          {"prometheus_target_scrapes_sample_out_of_bounds_total",
           "Total number of samples rejected due to timestamp falling outside of the time "
           "bounds.",
           Type::kCounter, AsDouble(s.sample_out_of_bounds)},
          {"prometheus_target_scrapes_exceeded_sample_limit_total",
           "Total number of scrapes that hit the sample limit and were rejected.", Type::kCounter,
           AsDouble(s.exceeded_sample_limit)},
          {"prometheus_target_scrapes_exceeded_body_size_limit_total",
           "Total number of scrapes that hit the body size limit.", Type::kCounter,
           AsDouble(s.exceeded_body_size_limit)},
          {"vigil_scrapes_total", "Scrapes begun.", Type::kCounter, AsDouble(s.scrapes)},
          {"vigil_scrape_failures_total", "Scrapes that failed.", Type::kCounter,
           AsDouble(s.failures)},
          {"vigil_scrape_skipped_total",
           "Scrapes left out because the one before was still running.", Type::kCounter,
           AsDouble(s.skipped)},
          {"vigil_scrape_samples_total", "Samples on the pages scraped.", Type::kCounter,
           AsDouble(s.samples)},
          {"vigil_scrape_series_parsed_total",
           "Sample lines that were in no cache, so that their labels were parsed.", Type::kCounter,
           AsDouble(s.series_parsed)},
          {"vigil_scrape_cache_series", "Series in the caches of all targets.", Type::kGauge,
           AsDouble(s.cache_series)},
          {"vigil_scrape_append_failures_total", "Scrapes the store did not take.", Type::kCounter,
           AsDouble(s.append_failures)},
          {"vigil_scrape_series_refused_total",
           "New series on scraped pages that the store did not take.", Type::kCounter,
           AsDouble(s.series_refused)},
          {"vigil_scrape_bad_histograms_total",
           "Native histograms on scraped pages that are not well formed; each fails its scrape.",
           Type::kCounter, AsDouble(s.bad_histograms)},
      }},
      sink);
  CollectScrapePools(s, sink);
}

void CollectDiscovery(const discovery::ManagerStats& s, MetricSink* sink) {
  sink->Counter("prometheus_sd_received_updates_total",
                "Total number of update events received from the SD providers.",
                AsDouble(s.updates_received), {{"name", "scrape"}});
  sink->Counter("prometheus_sd_updates_total",
                "Total number of update events sent to the SD consumers.", AsDouble(s.updates_sent),
                {{"name", "scrape"}});
  const auto discovered = sink->Family("prometheus_sd_discovered_targets",
                                       "Current number of discovered targets.", Type::kGauge);
  for (const auto& [job, count] : s.discovered_targets) {
    sink->Add(discovered, {{"config", job}, {"name", "scrape"}}, AsDouble(count));
  }
}

void CollectBackfill(const storage::BackfillStats& s, MetricSink* sink) {
  AddRows(std::array<Row, 3>{{
              {"vigil_backfill_samples_total",
               "Old samples written straight to chunks (--storage.allow-backfill).", Type::kCounter,
               AsDouble(s.samples.load())},
              {"vigil_backfill_chunks_total", "Chunks written for old samples.", Type::kCounter,
               AsDouble(s.chunks.load())},
              {"vigil_backfill_failures_total",
               "Batches of old samples that could not be written; senders repeat them.",
               Type::kCounter, AsDouble(s.failures.load())},
          }},
          sink);
}

void CollectRemoteWrite(const remote::WriteReceiverStats& s, MetricSink* sink) {
  AddRows(std::array<Row, 8>{{
              {"vigil_remote_write_requests_total", "Remote write requests received.",
               Type::kCounter, AsDouble(s.requests.load())},
              {"vigil_remote_write_failed_requests_total",
               "Remote write requests answered with an error.", Type::kCounter,
               AsDouble(s.failed_requests.load())},
              {"vigil_remote_write_samples_total",
               "Samples of remote write that are safe in the database.", Type::kCounter,
               AsDouble(s.samples.load())},
              {"vigil_remote_write_histograms_total",
               "Native histograms of remote write that are safe in the database.", Type::kCounter,
               AsDouble(s.histograms.load())},
              {"vigil_remote_write_exemplars_total", "Exemplars received by remote write.",
               Type::kCounter, AsDouble(s.exemplars.load())},
              {"vigil_remote_write_refused_series_total",
               "Series of remote write left out because a series limit was reached.",
               Type::kCounter, AsDouble(s.refused_series.load())},
              {"vigil_remote_write_invalid_series_total",
               "Series of remote write skipped for invalid labels.", Type::kCounter,
               AsDouble(s.invalid_series.load())},
              {"vigil_remote_write_cached_series", "Series in the receiver's cache.", Type::kGauge,
               AsDouble(s.cached_series.load())},
          }},
          sink);
}

void CollectOtlp(const remote::WriteReceiverStats& s, MetricSink* sink) {
  AddRows(std::array<Row, 6>{{
              {"vigil_otlp_requests_total", "OTLP requests received.", Type::kCounter,
               AsDouble(s.requests.load())},
              {"vigil_otlp_failed_requests_total", "OTLP requests answered with an error.",
               Type::kCounter, AsDouble(s.failed_requests.load())},
              {"vigil_otlp_samples_total", "Samples of OTLP that are safe in the database.",
               Type::kCounter, AsDouble(s.samples.load())},
              {"vigil_otlp_histograms_total",
               "Native histograms of OTLP that are safe in the database.", Type::kCounter,
               AsDouble(s.histograms.load())},
              {"vigil_otlp_exemplars_total", "Exemplars received by OTLP.", Type::kCounter,
               AsDouble(s.exemplars.load())},
              {"vigil_otlp_refused_series_total",
               "Series of OTLP left out because a series limit was reached.", Type::kCounter,
               AsDouble(s.refused_series.load())},
          }},
          sink);
}

}  // namespace vigil::server
