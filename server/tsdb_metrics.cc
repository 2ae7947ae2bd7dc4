// SPDX-License-Identifier: Apache-2.0
// What dashboards for Prometheus's own store look for, told of ours: the journal is the WAL, a leaf
// is a block, a flush is a compaction. See metrics_page.h.
#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "server/metric_rows.h"
#include "server/metrics_page.h"

namespace vigil::server {
namespace {

using Type = toolkit::MetricSink::MetricType;

// A summary of which only sum and count are known.
void AddDuration(std::string_view name, std::string_view help, double sum, uint64_t count,
                 toolkit::MetricSink* sink) {
  const auto family = sink->Family(name, help, Type::kSummary);
  sink->Add(family, std::span<const LabelView>(), sum, "_sum");
  sink->Add(family, std::span<const LabelView>(), AsDouble(count), "_count");
}

void CollectWal(const storage::StoreStats& s, const postgres::DatabaseMetrics& m,
                toolkit::MetricSink* sink) {
  AddDuration("prometheus_tsdb_wal_fsync_duration_seconds",
              "Duration of write log fsync: here of a transaction of the journal.",
              m.journal.commit_seconds, m.journal.commits, sink);
  AddDuration("prometheus_tsdb_compaction_duration_seconds",
              "Duration of compaction runs: here of flushes.", s.flush_seconds_total, s.flushes,
              sink);
  const double queued = AsDouble(m.journal.queued_bytes);
  AddRows(std::array<Row, 9>{{
              {"vigil_journal_queue_limit_bytes",
               "Queued bytes from which on remote write is told to come back later.", Type::kGauge,
               AsDouble(m.journal.max_queued_bytes)},
              {"vigil_journal_spool_limit_bytes",
               "Queued bytes from which on scraped samples are not taken any more.", Type::kGauge,
               AsDouble(m.journal.spool_bytes)},
              {"vigil_journal_spooling",
               "1 while the database is so far behind that remote write is refused.", Type::kGauge,
               queued >= AsDouble(m.journal.max_queued_bytes) ? 1.0 : 0.0},
              {"prometheus_tsdb_wal_page_flushes_total", "Total number of page flushes.",
               Type::kCounter, AsDouble(m.journal.committed_pages)},
              {"prometheus_tsdb_wal_writes_failed_total",
               "Total number of write log writes that failed.", Type::kCounter,
               AsDouble(m.journal.failures)},
              {"prometheus_tsdb_wal_truncations_total",
               "Total number of write log truncations attempted.", Type::kCounter,
               AsDouble(m.chunks.truncations)},
              {"prometheus_tsdb_wal_truncations_failed_total",
               "Total number of write log truncations that failed.", Type::kCounter,
               AsDouble(m.chunks.truncation_failures)},
              {"vigil_journal_replayed_pages_total", "Pages replayed at the last start.",
               Type::kCounter, AsDouble(s.replayed_pages)},
              {"vigil_journal_committed_bytes_total", "Bytes of journal pages committed.",
               Type::kCounter, AsDouble(m.journal.committed_bytes)},
          }},
          sink);
}

void CollectExemplars(const storage::ExemplarStats& e, toolkit::MetricSink* sink) {
  AddRows(std::array<Row, 8>{{
              {"prometheus_tsdb_exemplar_exemplars_appended_total",
               "Total number of appended exemplars.", Type::kCounter, AsDouble(e.appended)},
              {"prometheus_tsdb_exemplar_exemplars_in_storage",
               "Number of exemplars currently in circular storage.", Type::kGauge,
               AsDouble(e.in_memory)},
              {"prometheus_tsdb_exemplar_series_with_exemplars_in_storage",
               "Number of series with exemplars currently in circular storage.", Type::kGauge,
               AsDouble(e.series)},
              {"prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds",
               "The timestamp of the oldest exemplar stored in circular storage. Useful to check "
               "for what timerange the current exemplar buffer limit allows.",
               Type::kGauge, Seconds(e.oldest_time)},
              {"prometheus_tsdb_exemplar_max_exemplars",
               "Total number of exemplars the exemplar storage can store, resizeable.",
               Type::kGauge, AsDouble(e.capacity)},
              {"prometheus_tsdb_exemplar_out_of_order_exemplars_total",
               "Total number of out of order exemplar ingestion failed attempts.", Type::kCounter,
               AsDouble(e.out_of_order)},
              {"vigil_exemplars_too_long_total",
               "Exemplars refused because their labels have more than 128 characters.",
               Type::kCounter, AsDouble(e.too_long)},
              {"vigil_exemplars_not_written_total",
               "Exemplars that never reached the database because it was away for too long.",
               Type::kCounter, AsDouble(e.not_written)},
          }},
          sink);
}

}  // namespace

void CollectTsdb(const storage::StoreStats& s, const postgres::DatabaseMetrics& m,
                 toolkit::MetricSink* sink) {
  // Where the oldest leaf begins, a little before its first sample.
  const TimestampMs lowest = std::min(m.chunks.oldest_leaf, s.recent.min_time);
  AddRows(std::array<Row, 8>{{
              {"prometheus_tsdb_lowest_timestamp",
               "Lowest timestamp value stored in the database. The unit is decided by the library "
               "consumer.",
               Type::kGauge, AsDouble(lowest)},
              {"prometheus_tsdb_lowest_timestamp_seconds",
               "Lowest timestamp value stored in the database.", Type::kGauge, Seconds(lowest)},
              {"prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.",
               Type::kGauge, Seconds(s.recent.min_time)},
              {"prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.",
               Type::kGauge, Seconds(s.recent.max_time)},
              // Series stay in the index, so that queries over history find them.
              {"prometheus_tsdb_head_series_removed_total",
               "Total number of series removed in the head", Type::kCounter, 0},
              {"prometheus_tsdb_symbol_table_size_bytes",
               "Size of symbol table in memory: here of label sets and postings.", Type::kGauge,
               AsDouble(s.recent.index_bytes)},
              {"prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks.",
               Type::kGauge, AsDouble(m.chunks.leaves)},
              {"vigil_head_idle_series", "Series without samples in memory.", Type::kGauge,
               AsDouble(s.recent.idle_series)},
          }},
          sink);
  CollectWal(s, m, sink);
  CollectExemplars(s.exemplars, sink);
}

}  // namespace vigil::server
