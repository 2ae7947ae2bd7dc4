// SPDX-License-Identifier: Apache-2.0
// The upkeep's part of the server's own metrics; see metrics_page.h.
#include <array>
#include <string_view>

#include "server/metric_rows.h"
#include "server/metrics_page.h"

namespace vigil::server {
namespace {

using Type = toolkit::MetricSink::MetricType;

void CollectCompaction(const postgres::MaintenanceMetrics& m, toolkit::MetricSink* sink) {
  const Row rows[] = {
      {"vigil_compaction_runs_total", "Leaves merged.", Type::kCounter, AsDouble(m.merges)},
      {"vigil_compaction_failures_total", "Merges of leaves that failed and are tried again.",
       Type::kCounter, AsDouble(m.merge_failures)},
      {"vigil_compaction_overruns_total",
       "Merges thrown away because late chunks came meanwhile; done again later.", Type::kCounter,
       AsDouble(m.merge_overruns)},
      {"vigil_compaction_pending_leaves", "Leaves that wait to be merged.", Type::kGauge,
       AsDouble(m.merge_pending)},
      {"vigil_compaction_duration_seconds_total", "Time spent merging leaves, pauses included.",
       Type::kCounter, m.merge_seconds},
      {"vigil_compaction_last_duration_seconds", "How long the last merge took.", Type::kGauge,
       m.last_merge_seconds},
      {"vigil_compaction_chunks_in_total", "Chunks read by merges.", Type::kCounter,
       AsDouble(m.merged_rows_in)},
      {"vigil_compaction_chunks_out_total", "Chunks written by merges.", Type::kCounter,
       AsDouble(m.merged_rows_out)},
      {"vigil_compaction_bytes_in_total", "Encoded bytes read by merges.", Type::kCounter,
       AsDouble(m.merged_bytes_in)},
      {"vigil_compaction_bytes_out_total", "Encoded bytes written by merges.", Type::kCounter,
       AsDouble(m.merged_bytes_out)},
      {"vigil_compaction_samples_total", "Samples written by merges.", Type::kCounter,
       AsDouble(m.merged_samples)},
      {"vigil_compaction_corrupt_chunks_total",
       "Chunks that could not be decoded by a merge and were kept as they are.", Type::kCounter,
       AsDouble(m.corrupt_chunks)},
      {"vigil_compaction_dropped_tables_total", "Replaced or left-over tables dropped.",
       Type::kCounter, AsDouble(m.dropped_tables)},
      {"vigil_maintenance_passes_total", "Passes of the upkeep.", Type::kCounter,
       AsDouble(m.passes)},
      {"vigil_maintenance_failures_total", "Passes of the upkeep that were not complete.",
       Type::kCounter, AsDouble(m.pass_failures)},
  };
  AddRows(rows, sink);
}

void CollectRetention(const postgres::MaintenanceMetrics& m, toolkit::MetricSink* sink) {
  const Row rows[] = {
      {"vigil_rollup_leaves_total", "Leaves rolled up.", Type::kCounter, AsDouble(m.rollups)},
      {"vigil_rollup_failures_total", "Roll-ups of leaves that failed and are tried again.",
       Type::kCounter, AsDouble(m.rollup_failures)},
      {"vigil_rollup_buckets_total", "Buckets of roll-ups written.", Type::kCounter,
       AsDouble(m.rollup_buckets)},
      {"vigil_rollup_bytes_total", "Encoded bytes of roll-ups written.", Type::kCounter,
       AsDouble(m.rollup_bytes)},
      {"vigil_retention_dropped_rollup_leaves_total", "Leaves of roll-ups that expired.",
       Type::kCounter, AsDouble(m.rollup_leaves_dropped)},
      {"vigil_retention_dropped_leaves_total", "Leaves of chunks dropped by time or size.",
       Type::kCounter, AsDouble(m.dropped_by_time + m.dropped_by_size)},
      {"prometheus_tsdb_time_retentions_total",
       "The number of times that blocks were deleted because the maximum time limit was exceeded.",
       Type::kCounter, AsDouble(m.dropped_by_time)},
      {"prometheus_tsdb_size_retentions_total",
       "The number of times that blocks were deleted because the maximum number of bytes was "
       "exceeded.",
       Type::kCounter, AsDouble(m.dropped_by_size)},
      {"prometheus_tsdb_storage_blocks_bytes",
       "The number of bytes that are currently used for local storage by all blocks.", Type::kGauge,
       AsDouble(m.store_bytes)},
      {"prometheus_tsdb_retention_limit_bytes",
       "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled",
       Type::kGauge, AsDouble(m.retention_bytes)},
      {"prometheus_tsdb_retention_limit_seconds",
       "How long to retain samples in storage, 0 means for ever.", Type::kGauge,
       AsDouble(m.retention_ms) / 1000},
  };
  AddRows(rows, sink);
}

}  // namespace

void CollectMaintenance(const postgres::MaintenanceMetrics& m, toolkit::MetricSink* sink) {
  CollectCompaction(m, sink);
  CollectRetention(m, sink);
}

}  // namespace vigil::server
