// SPDX-License-Identifier: Apache-2.0
// See options.h.
#include "server/options.h"

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
  } else if (std::find(kAlwaysOn.begin(), kAlwaysOn.end(), feature) == kAlwaysOn.end()) {
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
  flags->Bytes("storage.flush-size",
               "Encoded samples in memory that make a flush due before its time.", &flush_bytes);
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
  flags->Bool("web.enable-admin-api", "Enable API endpoints for admin control actions.",
              &admin_api);
  flags->Bool("web.enable-lifecycle", "Enable shutdown and reload via HTTP request.", &lifecycle);
  flags->Bool(
      "storage.allow-backfill",
      "Let remote write bring samples of any time: what is older than an hour goes straight "
      "to chunks. Mind the retention.",
      &allow_backfill);
  flags->Bool("web.enable-remote-write-receiver",
              "Enable API endpoint accepting remote write requests.", &remote_write_receiver);
  AddQuery(flags, this);
  flags->Int("scrape.threads", "Threads that scrape; a target belongs to one of them.",
             &scrape_threads);
  flags->Duration("scrape.discovery-reload-interval",
                  "Interval used by scrape manager to throttle target groups updates.",
                  &discovery_reload_ms);
  flags
      ->Strings("enable-feature",
                "Comma separated feature names to enable: promql-experimental-functions, "
                "promql-extended-range-selectors, promql-binop-fill-modifiers, "
                "promql-delayed-name-removal, type-and-unit-labels.",
                &features)
      .Placeholder("...");
}

Result<void> Options::Check() const {
  if (flush_interval_ms < 1000) return BadData("--storage.flush-interval must be at least 1s");
  if (flush_bytes < (1 << 20)) return BadData("--storage.flush-size must be at least 1MB");
  if (max_series < 0) return BadData("--storage.max-series must not be negative");
  if (query_lookback_ms < 1) return BadData("--query.lookback-delta must be positive");
  if (query_timeout_ms < 1) return BadData("--query.timeout must be positive");
  if (query_max_concurrency < 1) return BadData("--query.max-concurrency must be at least 1");
  if (query_max_samples < 1) return BadData("--query.max-samples must be at least 1");
  if (scrape_threads < 1 || scrape_threads > 64) {
    return BadData("--scrape.threads must be between 1 and 64");
  }
  if (storage_path.empty()) return BadData("--storage.path must not be empty");
  return Ok();
}

promql::EngineOptions EngineOptionsFrom(const Options& options) {
  promql::EngineOptions engine;
  engine.lookback_delta_ms = options.query_lookback_ms;
  engine.timeout_ms = options.query_timeout_ms;
  engine.max_samples = static_cast<size_t>(options.query_max_samples);
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
