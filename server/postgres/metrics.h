// SPDX-License-Identifier: Apache-2.0
// Figures of the database side, for /metrics and the readiness page.
#pragma once

#include <cstdint>
#include <string>

namespace vigil::postgres {

struct JournalMetrics {
  uint64_t queued_pages = 0;  // not yet committed
  uint64_t queued_bytes = 0;
  uint64_t queued_series = 0;
  uint64_t max_queued_bytes = 0;  // senders are refused from here on
  uint64_t spool_bytes = 0;       // scrapes are refused from here on
  uint64_t committed_pages = 0;
  uint64_t committed_bytes = 0;
  uint64_t committed_series = 0;
  uint64_t commits = 0;
  double commit_seconds = 0;  // sum over commits
  double last_commit_seconds = 0;
  uint64_t failures = 0;    // transactions that did not commit
  uint64_t reconnects = 0;  // connections after the first
  uint64_t last_position = 0;
  uint64_t durable_position = 0;
  uint64_t ring_tables_in_use = 0;
  uint64_t ring_full = 0;      // cuts that found no free table
  uint64_t mended_labels = 0;  // strings PostgreSQL cannot hold (NUL, bad UTF-8), mended
  bool connected = false;
  bool fenced = false;  // another server owns the journal: this one must end
  std::string last_error;
};

struct ChunkCacheMetrics {
  uint64_t hits = 0;  // of one series in one leaf each
  uint64_t misses = 0;
  uint64_t evictions = 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

struct ChunkMetrics {
  uint64_t flushes = 0;
  uint64_t flush_failures = 0;
  uint64_t flushed_rows = 0;
  uint64_t flushed_bytes = 0;
  double flush_seconds = 0;
  double last_flush_seconds = 0;
  uint64_t flushed_position = 0;
  int64_t last_flush_time = 0;  // wall clock, 0: none since the start
  uint64_t leaves = 0;
  int64_t oldest_leaf = INT64_MAX;  // where the first one begins
  uint64_t truncations = 0;         // journal tables emptied
  uint64_t truncation_failures = 0;
  uint64_t reads = 0;
  uint64_t read_failures = 0;
  uint64_t read_rows = 0;
  uint64_t read_bytes = 0;
  double read_seconds = 0;
  ChunkCacheMetrics cache;
};

struct MaintenanceMetrics {
  uint64_t passes = 0;
  uint64_t pass_failures = 0;
  // Merges of leaves.
  uint64_t merges = 0;
  uint64_t merge_failures = 0;
  uint64_t merge_overruns = 0;  // late chunks came meanwhile: done again later
  uint64_t merge_pending = 0;   // leaves that are due
  uint64_t merged_rows_in = 0;
  uint64_t merged_rows_out = 0;
  uint64_t merged_bytes_in = 0;  // of encoded chunks
  uint64_t merged_bytes_out = 0;
  uint64_t merged_samples = 0;
  uint64_t corrupt_chunks = 0;  // carried over as they were
  double merge_seconds = 0;
  double last_merge_seconds = 0;
  uint64_t dropped_tables = 0;  // replaced or left over
  // Roll-ups.
  uint64_t rollups = 0;  // leaves rolled up
  uint64_t rollup_failures = 0;
  uint64_t rollup_rows = 0;
  uint64_t rollup_buckets = 0;
  uint64_t rollup_bytes = 0;  // of encoded columns
  uint64_t rollup_leaves_dropped = 0;
  // Retention.
  uint64_t dropped_by_time = 0;  // leaves
  uint64_t dropped_by_size = 0;
  uint64_t store_bytes = 0;  // of leaves and journal, at the last pass
  int64_t retention_ms = 0;  // in force; 0: for ever
  uint64_t retention_bytes = 0;
};

struct DatabaseMetrics {
  JournalMetrics journal;
  ChunkMetrics chunks;
  MaintenanceMetrics maintenance;
  uint64_t schema_version = 0;
  int server_version = 0;  // 150003 is 15.3
  uint64_t open_read_connections = 0;
};

}  // namespace vigil::postgres
