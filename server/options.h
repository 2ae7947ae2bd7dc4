// SPDX-License-Identifier: Apache-2.0
// The command line of vigil-server as values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/base/result.h"
#include "exporters/toolkit/flags.h"
#include "server/alerting_options.h"
#include "server/alertmanagers_wiring.h"
#include "server/cluster_options.h"
#include "server/promql/engine.h"
#include "server/rules_options.h"

namespace vigil::server {

struct Options {
  std::string config_file = "prometheus.yml";
  std::string storage_path = "data/";
  std::string postgres_dsn;  // empty: the server runs its own PostgreSQL below storage_path
  int64_t flush_interval_ms = 15 * 60 * 1000;
  int64_t upkeep_interval_ms = 60'000;
  uint64_t flush_bytes = 64 << 20;        // encoded samples in memory that make a flush due early
  int64_t max_series = 0;                 // 0: no limit
  uint64_t chunk_cache_bytes = 64 << 20;  // chunks kept in memory once they were read
  uint64_t spool_bytes = 256 << 20;       // journal pages kept in memory while the database is away
  // 0: not given. Without either, samples are kept for 15 days.
  int64_t retention_ms = 0;
  uint64_t retention_bytes = 0;
  bool admin_api = false;
  bool lifecycle = false;
  bool remote_write_receiver = false;
  bool otlp_receiver = false;
  bool allow_backfill = false;  // remote write takes samples of any time
  int64_t query_lookback_ms = 5 * 60 * 1000;
  int64_t query_timeout_ms = 2 * 60 * 1000;
  int64_t query_max_concurrency = 20;
  int64_t query_max_samples = 50'000'000;
  uint64_t query_max_memory_bytes = 0;
  std::string cors_origin = ".*";
  int64_t search_max_limit = 10'000;
  // Of /api/v1/read.
  int64_t read_max_samples = 50'000'000;
  int64_t read_max_concurrency = 10;
  uint64_t read_max_frame_bytes = 1 << 20;
  int64_t scrape_threads = 1;
  int64_t discovery_reload_ms = 5'000;
  AlertingOptions alerting;
  RulesOptions rules;
  AlertmanagersOptions alertmanagers;
  ClusterOptions cluster;
  std::vector<std::string> features;  // --enable-feature, each may be a comma-separated list

  void AddTo(toolkit::FlagSet* flags);
  // After parsing. bad_data names the flag.
  [[nodiscard]] Result<void> Check() const;
  // --enable-feature=search-api
  [[nodiscard]] bool SearchEnabled() const;
  // --enable-feature=created-timestamp-zero-ingestion
  [[nodiscard]] bool ZeroAtStart() const;
  // --enable-feature=concurrent-rule-eval
  [[nodiscard]] bool ConcurrentRules() const;

 private:
  [[nodiscard]] bool HasFeature(std::string_view wanted) const;
};

// What --enable-feature switches in the engine. Names upstream made permanent, or that Vigil has
// always on, change nothing; unknown ones are logged, as upstream does.
promql::EngineOptions EngineOptionsFrom(const Options& options);

// The configuration of a server that was given none: this server and a node exporter beside it.
std::string DefaultConfig(int own_port);

}  // namespace vigil::server
