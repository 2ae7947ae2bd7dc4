// SPDX-License-Identifier: Apache-2.0
// Owns the scrape loops: turns configuration and discovered groups into targets, hands each to one
// loop, and shows the web what they do.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/http/client.h"
#include "server/config/config.h"
#include "server/discovery/manager.h"
#include "server/scrape/stats.h"
#include "server/scrape/target.h"
#include "server/storage/storage.h"

namespace vigil::scrape {

class ScrapeLoop;

// A row of /api/v1/targets?state=active.
struct ActiveTarget {
  Labels discovered_labels;
  Labels labels;
  std::string scrape_pool;
  std::string scrape_url;
  std::string global_url;  // scrape_url with a loopback host replaced by this server's name
  std::string last_error;
  TimestampMs last_scrape = 0;      // 0: never
  double last_scrape_duration = 0;  // seconds
  TargetHealth health = TargetHealth::kUnknown;
  DurationMs scrape_interval = 0;
  DurationMs scrape_timeout = 0;
};

// A row of /api/v1/targets?state=dropped.
struct DroppedTarget {
  Labels discovered_labels;
  std::string scrape_pool;
};

struct DroppedTargets {
  std::vector<DroppedTarget> targets;      // as many as keep_dropped_targets allows
  std::map<std::string, uint64_t> counts;  // per pool, all of them: droppedTargetCounts
};

// The metadata of one target: /api/v1/metadata and /api/v1/targets/metadata.
struct TargetMetadata {
  Labels target;  // final labels
  std::string scrape_pool;
  std::shared_ptr<const MetadataRows> rows;  // never null
};

// Threads: any. ApplyConfig and ApplyTargets do the work of building targets on the caller's
// thread; scraping happens on the loops' own threads.
class ScrapeManager {
 public:
  struct Options {
    int loops = 1;  // threads that scrape; a target belongs to one of them
    // Keeps the scrape times of two servers apart: with external_labels the seed of the offsets.
    std::string hostname;
    // What global_url says instead of a loopback host, and for this server's own port.
    std::string external_url;
    int listen_port = 9090;
    std::string user_agent = "Vigil/0.1.0";
    // A scrape that starts this much late or less gets the timestamp of the plan; at most 1 % of
    // the interval.
    int64_t timestamp_tolerance_ms = 2;
    // --enable-feature=created-timestamp-zero-ingestion
    bool zero_at_start = false;
    // Null: AsyncClient::Create.
    std::function<std::unique_ptr<http::AsyncClient>()> client_factory;
  };

  ScrapeManager(storage::Appender& appender, const Clock& clock, Options options);
  // Stops.
  ~ScrapeManager();

  // A job that is in the configuration but has no groups yet keeps those it had. Unchanged
  // targets keep their caches and their schedule.
  void ApplyConfig(std::shared_ptr<const config::Config> config);
  void ApplyTargets(std::shared_ptr<const discovery::Snapshot> snapshot);
  // Ends the loops; running scrapes are given up and nothing is marked stale.
  void Stop();

  // Sorted by pool, then labels.
  [[nodiscard]] std::vector<ActiveTarget> ActiveTargets() const;
  [[nodiscard]] DroppedTargets Dropped() const;
  [[nodiscard]] std::vector<TargetMetadata> Metadata() const;
  // Names of all jobs, sorted.
  [[nodiscard]] std::vector<std::string> ScrapePools() const;
  [[nodiscard]] Stats GetStats() const;

 private:
  struct TargetEntry {
    std::shared_ptr<const TargetSpec> spec;
    std::shared_ptr<TargetStatus> status;
  };
  struct Pool {
    std::shared_ptr<const Job> job;
    std::shared_ptr<const discovery::Groups> groups;  // what the targets were built from
    std::map<std::string, TargetEntry> targets;       // by identity
    std::vector<Labels> dropped;
    uint64_t dropped_count = 0;
    uint64_t sync_failed = 0;
    bool over_target_limit = false;
  };
  using Pools = std::map<std::string, Pool>;
  using Loops = std::vector<std::unique_ptr<ScrapeLoop>>;

  void StartLoops(const config::Config& config);
  void Sync() REQUIRES_LOCK(sync_mutex_);
  static Pool BuildPool(const config::ScrapeConfig& config, const Pool* old,
                        std::shared_ptr<const discovery::Groups> groups);
  static void AddGroup(const discovery::TargetGroup& group, Pool* pool);
  static void ApplyTargetLimit(Pool* pool);
  void Distribute(const Pools& pools);

  const Options options_;
  storage::Appender& appender_;
  const Clock& clock_;

  Mutex sync_mutex_;  // one rebuild at a time; held while targets are built, never for reading
  std::shared_ptr<const config::Config> config_ GUARDED_BY(sync_mutex_);
  std::shared_ptr<const discovery::Snapshot> snapshot_ GUARDED_BY(sync_mutex_);
  bool stopped_ GUARDED_BY(sync_mutex_) = false;

  // What readers see: immutable, swapped as a whole.
  Guarded<std::shared_ptr<const Pools>> pools_;
  Guarded<std::shared_ptr<const Loops>> loops_;  // null before the first configuration
};

}  // namespace vigil::scrape
