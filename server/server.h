// SPDX-License-Identifier: Apache-2.0
// The world of vigil-server: constructs the rooms, joins them, takes them down in order.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "exporters/toolkit/app.h"
#include "server/admin_actions.h"
#include "server/alerting_wiring.h"
#include "server/cluster/member_list.h"
#include "server/cluster/standby.h"
#include "server/config/config.h"
#include "server/discovery/manager.h"
#include "server/flush_scheduler.h"
#include "server/head/head.h"
#include "server/maintenance_scheduler.h"
#include "server/options.h"
#include "server/postgres/database.h"
#include "server/postgres/managed_postgres.h"
#include "server/promql/engine.h"
#include "server/remote/read_handler.h"
#include "server/remote/write_receiver.h"
#include "server/rules_wiring.h"
#include "server/scrape/scrape_manager.h"
#include "server/storage/backfill.h"
#include "server/storage/store.h"
#include "server/storage_policy.h"
#include "server/web/web.h"

namespace vigil::server {

// Threads: owner thread only; the web's threads call Reload.
class Server {
 public:
  Server(toolkit::App& app, Options options);
  ~Server();

  // What Start came to: kStopped when the server was asked to stop while it stood by.
  enum class Started { kServing, kStopped };
  // Configuration, database, recovery, web, scraping, in this order; with --cluster.standby it
  // waits for the database as a standby. The error says what is wrong and is for the operator.
  Result<Started> Start();
  // Reads the configuration file anew and applies it; on an error everything stays as it was.
  Result<void> Reload();
  // Scraping ends first, then the web; what is in memory is flushed; the database goes last.
  void Stop();

 private:
  // What a configuration file comes to.
  struct Plan {
    std::shared_ptr<const config::Config> config;
    Rules::Groups groups;
    Alerting::File alerting;
  };
  using PlanPtr = std::shared_ptr<Plan>;

  // What cannot work is said at once, before the database starts.
  Result<void> CheckFlags();
  Result<PlanPtr> LoadPlan() const;
  // Until the database is this server's; null: asked to stop. Returns the plan as it is by then.
  Result<PlanPtr> StandBy(PlanPtr plan);
  // The database is this server's: everything up to serving.
  Result<void> Lead(PlanPtr plan, promql::EngineOptions engine_options);
  // Of a standby that took the database over and could not use it: gives it back and begins the
  // process anew when the problem may pass. Otherwise, and when that failed, the error.
  Result<Started> BeginAnew(Error problem);
  // Another server has the database: ends this process at once, or begins it anew as a standby.
  // Threads: any.
  void StepDown();
  // Whether the database is still this server's; steps down when it is not.
  Result<void> Confirm();
  // What the servers that stood by say now.
  [[nodiscard]] cluster::PeersSay AskPeers() const;
  [[nodiscard]] web::ClusterStatus Cluster();
  Result<void> MakeStore(const config::Config& config);
  void MakeScraper();
  void StartWork(PlanPtr plan);
  // What the database knows, into memory.
  Result<void> Recover();
  void DropExpiredSeries();
  Result<std::shared_ptr<const config::Config>> LoadConfig() const;
  // seen_epoch: see postgres::DatabaseOptions.
  Result<void> OpenDatabase(std::optional<int64_t> seen_epoch);
  // Retention, its classes, roll-ups. On an error the policy before stays in force.
  Result<void> ApplyStoragePolicy(const config::Config& config);
  Result<void> ApplyOrRefuse(const config::Config& config);
  // What may change with a reload.
  void ApplyStorageConfig(const config::Config& config);
  // What remote write appends to.
  storage::Appender& WriteAppender();
  void MakeReadHandler();
  // Who gets alerts: Alertmanagers elsewhere, and with --alerting.config.file this server.
  void MakeAlerting(const Alerting::File& file);
  void MakeRules();
  Result<void> StartWeb();
  void StartScraping(std::shared_ptr<const config::Config> config);
  void ServeOwnMetrics();
  void CollectOwnMetrics(toolkit::MetricSink* sink) const;
  [[nodiscard]] web::StatusSource Status() const;
  [[nodiscard]] web::ReplayProgress Replay() const;
  [[nodiscard]] int OwnPort() const;
  // host:port, for people.
  [[nodiscard]] std::string Instance() const;
  static std::string Host();
  // Where people reach the server.
  [[nodiscard]] std::string ExternalUrl() const;

  // Constant after construction.
  toolkit::App& app_;
  const Options options_;
  const Clock& clock_ = Clock::System();

  // Since CheckFlags.
  std::string advertised_url_;
  std::shared_ptr<const http::ClientOptions> peer_client_;
  promql::ParserOptions parser_;

  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> stepped_down_{false};
  Guarded<PlanPtr> plan_;  // of a standby: the newest that was good
  std::atomic<uint64_t> pages_to_replay_{0};
  std::stop_source stop_queries_;
  Mutex reload_mutex_;  // one reload at a time
  Guarded<std::shared_ptr<const config::Config>> config_;
  Guarded<std::pair<bool, TimestampMs>> last_reload_;
  Guarded<std::string> retention_text_;
  web::Notifications notifications_{clock_, stop_queries_.get_token()};
  // Read by queries for subqueries without a step.
  std::atomic<DurationMs> evaluation_interval_ms_{60'000};

  // In the order they are made; each uses only what stands above it.
  std::unique_ptr<cluster::Standby> standby_;           // null without --cluster.standby
  std::unique_ptr<postgres::ManagedPostgres> managed_;  // null with a DSN
  std::unique_ptr<postgres::Database> database_;
  std::unique_ptr<cluster::MemberList> members_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<storage::Backfill> backfill_;  // null unless allowed
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<remote::WriteReceiver> write_receiver_;  // null unless enabled
  std::unique_ptr<remote::WriteReceiver> otlp_receiver_;   // likewise
  std::unique_ptr<remote::ReadHandler> read_handler_;
  std::shared_ptr<cluster::OwnerGate> gate_;
  std::unique_ptr<Alertmanagers> alertmanagers_;
  std::unique_ptr<Alerting> alerting_;  // null without --alerting.config.file
  std::unique_ptr<Rules> rules_;
  std::unique_ptr<scrape::ScrapeManager> scraper_;
  std::unique_ptr<discovery::Manager> discovery_;
  std::unique_ptr<web::Web> web_;
  std::unique_ptr<FlushScheduler> flusher_;
  std::unique_ptr<MaintenanceScheduler> upkeep_;
  std::unique_ptr<Admin> admin_;
};

}  // namespace vigil::server
