// SPDX-License-Identifier: Apache-2.0
// See options.h.
#include "server/options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>

#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"

namespace vigil::server {
namespace {

// Stable upstream for so long that the name means nothing any more, or always on here.
constexpr std::array<std::string_view, 8> kAlwaysOn = {"promql-at-modifier",
                                                       "promql-negative-offset",
                                                       "promql-duration-expr",
                                                       "promql-per-step-stats",
                                                       "new-service-discovery-manager",
                                                       "no-default-scrape-port",
                                                       "memory-snapshot-on-shutdown",
                                                       "fast-startup"};

// Not the engine's: see Options::SearchEnabled.
constexpr std::string_view kSearchFeature = "search-api";
constexpr std::string_view kZeroFeature = "created-timestamp-zero-ingestion";
constexpr std::string_view kRulesFeature = "concurrent-rule-eval";

void Enable(std::string_view feature, promql::EngineOptions* engine) {
  if (feature == "promql-experimental-functions") {
    engine->parser.experimental_functions = true;
  } else if (feature == "promql-extended-range-selectors") {
    engine->parser.extended_range_selectors = true;
  } else if (feature == "promql-binop-fill-modifiers") {
    engine->parser.fill_modifiers = true;
  } else if (feature == "promql-delayed-name-removal") {
    engine->delayed_name_removal = true;
  } else if (feature == "type-and-unit-labels") {
    engine->type_and_unit_labels = true;
  } else if (feature != kSearchFeature && feature != kZeroFeature && feature != kRulesFeature &&
             !IsAlertingFeature(feature) &&
             std::find(kAlwaysOn.begin(), kAlwaysOn.end(), feature) == kAlwaysOn.end()) {
    log::Warn("main", "this feature is unknown or not supported yet and has no effect",
              {{"flag", "--enable-feature"}, {"feature", feature}});
  }
}

void AddRetention(toolkit::FlagSet* flags, Options* options) {
  constexpr std::string_view kTime =
      "How long to retain samples in storage. If neither this flag nor \"storage.retention.size\" "
      "is set, the retention time defaults to 15d. Units Supported: y, w, d, h, m, s, ms.";
  constexpr std::string_view kSize =
      "Maximum number of bytes that can be stored. A unit is required, supported units: B, KB, MB, "
      "GB, TB, PB, EB. Ex: \"512MB\". Based on powers-of-2, so 1KB is 1024B.";
  flags->Duration("storage.retention.time", kTime, &options->retention_ms);
  flags->Duration("storage.tsdb.retention.time", kTime, &options->retention_ms).Hidden();
  flags->Bytes("storage.retention.size", kSize, &options->retention_bytes);
  flags->Bytes("storage.tsdb.retention.size", kSize, &options->retention_bytes).Hidden();
}

// Half of the machine's, when nothing was said.
size_t MemoryForQueries(uint64_t wanted) {
  if (wanted > 0) return wanted;
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<size_t>(sysconf(_SC_PAGE_SIZE)) / 2;
}

void AddQuery(toolkit::FlagSet* flags, Options* options) {
  flags->Duration("query.lookback-delta",
                  "The maximum lookback duration for retrieving metrics during expression "
                  "evaluations.",
                  &options->query_lookback_ms);
  flags->Duration("query.timeout", "Maximum time a query may take before being aborted.",
                  &options->query_timeout_ms);
  flags->Int("query.max-concurrency", "Maximum number of queries executed concurrently.",
             &options->query_max_concurrency);
  flags->Int("query.max-samples", "Maximum number of samples a single query can load into memory.",
             &options->query_max_samples);
  flags->Bytes("query.max-memory",
               "Memory that running queries may hold together, one of them at most half of it. 0 "
               "means half of the machine's.",
               &options->query_max_memory_bytes);
}

void AddWeb(toolkit::FlagSet* flags, Options* options) {
  flags->Bool("web.enable-admin-api", "Enable API endpoints for admin control actions.",
              &options->admin_api);
  flags->Bool("web.enable-lifecycle", "Enable shutdown and reload via HTTP request.",
              &options->lifecycle);
  flags->Bool("web.enable-remote-write-receiver",
              "Enable API endpoint accepting remote write requests.",
              &options->remote_write_receiver);
  flags->Bool("web.enable-otlp-receiver", "Enable API endpoint accepting OTLP write requests.",
              &options->otlp_receiver);
  flags
      ->String("web.cors.origin",
               "Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\\"
               ".com'",
               &options->cors_origin)
      .Placeholder("REGEX");
  flags->Int("web.search.max-limit", "Most names that one answer of the search API lists.",
             &options->search_max_limit);
}

void AddRemoteRead(toolkit::FlagSet* flags, Options* options) {
  flags->Int("storage.remote.read-sample-limit",
             "Maximum overall number of samples to return via the remote read interface, in a "
             "single query. 0 means no limit. This limit is ignored for streamed response types.",
             &options->read_max_samples);
  flags->Int("storage.remote.read-concurrent-limit",
             "Maximum number of concurrent remote read calls.", &options->read_max_concurrency);
  flags->Bytes("storage.remote.read-max-bytes-in-frame",
               "Maximum number of bytes in a single frame for streaming remote read response types "
               "before marshalling.",
               &options->read_max_frame_bytes);
}

void AddScrape(toolkit::FlagSet* flags, Options* options) {
  flags->Int("scrape.threads", "Threads that scrape; a target belongs to one of them.",
             &options->scrape_threads);
  flags->Duration("scrape.discovery-reload-interval",
                  "Interval used by scrape manager to throttle target groups updates.",
                  &options->discovery_reload_ms);
}

}  // namespace

void Options::AddTo(toolkit::FlagSet* flags) {
  flags->String("config.file",
                "Prometheus configuration file path. Without the flag and without the file the "
                "server scrapes itself and a node exporter on this host.",
                &config_file);
  flags->String("storage.path", "Directory of everything the server keeps.", &storage_path);
  flags->String("storage.tsdb.path", "The same, by its upstream name.", &storage_path).Hidden();
  flags
      ->String("storage.postgres.dsn",
               "PostgreSQL 15 or later to keep everything in, as libpq's key=value string or URI. "
               "Empty: the server runs its own below --storage.path.",
               &postgres_dsn)
      .Placeholder("DSN");
  flags->Duration("storage.flush-interval",
                  "How often recent samples are written from memory and journal into chunks.",
                  &flush_interval_ms);
  flags->Duration("storage.upkeep-interval",
                  "Pause between the passes that merge, roll up and drop old chunks.",
                  &upkeep_interval_ms);
  flags->Bytes("storage.flush-size",
               "Encoded samples in memory that make a flush due before its time.", &flush_bytes);
  flags->Bytes("storage.chunk-cache-size",
               "Memory for encoded chunks that queries have read from PostgreSQL, so that the next "
               "query does not read them again. 0 keeps none.",
               &chunk_cache_bytes);
  flags->Int("storage.max-series",
             "Series the server takes, not counting those without recent samples; new ones beyond "
             "are refused. 0 means no limit.",
             &max_series);
  flags->Bytes(
      "storage.spool-size",
      "Journal pages kept in memory while PostgreSQL is slow or away. Remote write is told "
      "to come back later at 64MB; scrapes go on until this is full.",
      &spool_bytes);
  AddRetention(flags, this);
  flags->Bool(
      "storage.allow-backfill",
      "Let remote write bring samples of any time: what is older than an hour goes straight "
      "to chunks. Mind the retention.",
      &allow_backfill);
  AddWeb(flags, this);
  AddRemoteRead(flags, this);
  AddQuery(flags, this);
  alerting.AddTo(flags);
  rules.AddTo(flags);
  alertmanagers.AddTo(flags);
  cluster.AddTo(flags);
  AddScrape(flags, this);
  flags
      ->Strings("enable-feature",
                "Comma separated feature names to enable: promql-experimental-functions, "
                "promql-extended-range-selectors, promql-binop-fill-modifiers, "
                "promql-delayed-name-removal, type-and-unit-labels, search-api, classic-mode, "
                "utf8-strict-mode.",
                &features)
      .Placeholder("...");
}

Result<void> Options::Check() const {
  if (flush_interval_ms < 1000) return BadData("--storage.flush-interval must be at least 1s");
  if (upkeep_interval_ms < 1000) return BadData("--storage.upkeep-interval must be at least 1s");
  if (flush_bytes < (1 << 20)) return BadData("--storage.flush-size must be at least 1MB");
  if (max_series < 0) return BadData("--storage.max-series must not be negative");
  if (query_lookback_ms < 1) return BadData("--query.lookback-delta must be positive");
  if (query_timeout_ms < 1) return BadData("--query.timeout must be positive");
  if (query_max_concurrency < 1) return BadData("--query.max-concurrency must be at least 1");
  if (query_max_samples < 1) return BadData("--query.max-samples must be at least 1");
  if (search_max_limit < 1) return BadData("--web.search.max-limit must be at least 1");
  if (read_max_samples < 0) {
    return BadData("--storage.remote.read-sample-limit must not be negative");
  }
  if (read_max_concurrency < 1) {
    return BadData("--storage.remote.read-concurrent-limit must be at least 1");
  }
  if (scrape_threads < 1 || scrape_threads > 64) {
    return BadData("--scrape.threads must be between 1 and 64");
  }
  if (storage_path.empty()) return BadData("--storage.path must not be empty");
  TRY(alerting.Check());
  TRY(rules.Check());
  TRY(alertmanagers.Check());
  TRY(cluster.Check(postgres_dsn.empty()));
  return Ok();
}

bool Options::HasFeature(std::string_view wanted) const {
  for (const std::string& list : features) {
    for (const std::string_view feature : Split(list, ',')) {
      if (TrimSpace(feature) == wanted) return true;
    }
  }
  return false;
}

bool Options::SearchEnabled() const { return HasFeature(kSearchFeature); }
bool Options::ZeroAtStart() const { return HasFeature(kZeroFeature); }
bool Options::ConcurrentRules() const { return HasFeature(kRulesFeature); }

promql::EngineOptions EngineOptionsFrom(const Options& options) {
  promql::EngineOptions engine;
  engine.lookback_delta_ms = options.query_lookback_ms;
  engine.timeout_ms = options.query_timeout_ms;
  engine.max_samples = static_cast<size_t>(options.query_max_samples);
  engine.max_memory_bytes = MemoryForQueries(options.query_max_memory_bytes);
  engine.max_query_bytes = engine.max_memory_bytes / 2;
  engine.helper_threads = std::max(1U, std::thread::hardware_concurrency()) - 1;
  for (const std::string& list : options.features) {
    for (const std::string_view feature : Split(list, ',')) {
      if (!TrimSpace(feature).empty()) Enable(TrimSpace(feature), &engine);
    }
  }
  return engine;
}

std::string DefaultConfig(int own_port) {
  return "global:\n"
         "  scrape_interval: 15s\n"
         "scrape_configs:\n"
         "  - job_name: vigil\n"
         "    static_configs:\n"
         "      - targets: ['localhost:" +
         std::to_string(own_port) +
         "']\n"
         "  - job_name: node\n"
         "    static_configs:\n"
         "      - targets: ['localhost:9100']\n";
}

}  // namespace vigil::server
