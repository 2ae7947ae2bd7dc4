// SPDX-License-Identifier: Apache-2.0
// See server.h.
#include "server/server.h"

#include <algorithm>

#include "client-lib/base/files.h"
#include "client-lib/base/log.h"
#include "client-lib/base/strings.h"
#include "client-lib/http/sockets.h"
#include "exporters/toolkit/version.h"
#include "server/cluster/peer_roles.h"
#include "server/config/loader.h"
#include "server/head/chunk_row.h"
#include "server/metrics_page.h"
#include "server/postgres/alerting_store.h"
#include "server/postgres/leaf_blocks.h"
#include "server/reload_order.h"

namespace vigil::server {
namespace {

// Late samples that are too young for storage::Backfill.
constexpr int64_t kBackfillWindowMs = 2 * 60 * 60 * 1000;

// Where another server waits to take over, messages are sent by what the database said so recently.
constexpr int64_t kOwnedMs = 1'000;

// Of a list that people look at.
constexpr int64_t kBlocksTimeoutMs = 10'000;

void LogConfigWarnings(const config::Config& config) {
  for (const std::string& warning : config.not_supported_yet) log::Warn("config", warning);
}

}  // namespace

Server::Server(toolkit::App& app, Options options) : app_(app), options_(std::move(options)) {}

Server::~Server() { Stop(); }

int Server::OwnPort() const {
  const std::vector<std::string>& addresses = app_.web_flags().listen_addresses;
  const std::string& first = addresses.empty() ? app_.info().default_address : addresses.front();
  const size_t colon = first.rfind(':');
  const auto port = ParseUint(std::string_view(first).substr(colon + 1));
  return port ? static_cast<int>(*port) : 9090;
}

Result<std::shared_ptr<const config::Config>> Server::LoadConfig() const {
  config::Config config;
  if (!app_.flags().WasGiven("config.file") && !FileExists(options_.config_file)) {
    config = TRY(config::LoadText(DefaultConfig(OwnPort()), "(built-in configuration)"));
  } else {
    config = TRY_CONTEXT(config::LoadFile(options_.config_file), "loading the configuration");
  }
  TRY(StoragePolicyFrom(options_, config));
  return std::make_shared<const config::Config>(std::move(config));
}

Result<Server::PlanPtr> Server::LoadPlan() const {
  auto plan = std::make_shared<Plan>();
  plan->config = TRY(LoadConfig());
  plan->groups = TRY(Rules::Load(*plan->config, parser_));
  plan->alerting = TRY(Alerting::Load(options_.alerting, MatcherModeFrom(options_.features)));
  return plan;
}

Result<Server::Started> Server::Start() {
  TRY(CheckFlags());
  promql::EngineOptions engine_options = EngineOptionsFrom(options_);
  parser_ = engine_options.parser;
  PlanPtr plan = TRY(LoadPlan());
  LogConfigWarnings(*plan->config);
  TRY(MakeDirectories(options_.storage_path));
  if (options_.cluster.standby) {
    plan = TRY(StandBy(std::move(plan)));
    if (plan == nullptr) return Started::kStopped;
  } else {
    TRY(OpenDatabase({}));
  }
  Result<void> led = Lead(std::move(plan), std::move(engine_options));
  if (led) return Started::kServing;
  if (!options_.cluster.standby) return std::move(led).error();
  return BeginAnew(std::move(led).error());
}

Result<void> Server::Lead(PlanPtr plan, promql::EngineOptions engine_options) {
  config_.Set(plan->config);
  last_reload_.Set({true, clock_.Now()});
  evaluation_interval_ms_ = plan->config->global.evaluation_interval;
  TRY(MakeStore(*plan->config));
  engine_options.default_subquery_step_ms = [this] { return evaluation_interval_ms_.load(); };
  engine_ = std::make_unique<promql::Engine>(std::move(engine_options));
  MakeScraper();
  admin_ = std::make_unique<Admin>(*store_, *database_, managed_.get(), clock_,
                                   options_.storage_path, stop_queries_.get_token());
  MakeAlerting(plan->alerting);
  MakeRules();
  // The page is up during recovery, so that people and probes see what is going on.
  notifications_.Set(web::kStarting, true);
  TRY(StartWeb());

  TRY(Recover());
  alertmanagers_->Start();
  if (alerting_ != nullptr) TRY(alerting_->Start());
  StartWork(std::move(plan));
  ready_ = true;
  notifications_.Set(web::kStarting, false);
  log::Info("main", "Server is ready to receive web requests.");
  return Ok();
}

Result<void> Server::MakeStore(const config::Config& config) {
  head_ = std::make_unique<head::Head>(clock_);
  storage::StoreOptions store_options;
  store_options.max_series = static_cast<uint64_t>(options_.max_series);
  store_ = std::make_unique<storage::Store>(*head_, database_->journal(), database_->chunks(),
                                            clock_, store_options);
  store_->SetRollups(&database_->rollups());
  ApplyStorageConfig(config);
  TRY(ApplyStoragePolicy(config));
  database_->maintenance().OnTombstones(
      [this](auto tombstones) { store_->SetTombstones(std::move(tombstones)); });
  return Ok();
}

void Server::MakeScraper() {
  scrape::ScrapeManager::Options options;
  options.loops = static_cast<int>(options_.scrape_threads);
  options.hostname = Host();
  options.external_url = app_.web_flags().external_url;
  options.listen_port = OwnPort();
  options.user_agent = "Vigil/" + std::string(toolkit::Version());
  options.zero_at_start = options_.ZeroAtStart();
  scraper_ = std::make_unique<scrape::ScrapeManager>(*store_, clock_, options);
}

void Server::StartWork(PlanPtr plan) {
  StartScraping(plan->config);
  rules_->Start(std::move(plan->groups), *plan->config);
  flusher_ =
      std::make_unique<FlushScheduler>(*store_, database_->exemplars(), database_->metadata(),
                                       clock_, options_.flush_interval_ms, options_.flush_bytes);
  upkeep_ =
      std::make_unique<MaintenanceScheduler>(database_->maintenance(), options_.upkeep_interval_ms);
}

Result<void> Server::Recover() {
  const int64_t began_ns = clock_.MonotonicNs();
  const postgres::DatabaseMetrics found = database_->metrics();
  const uint64_t flushed = found.chunks.flushed_position;
  pages_to_replay_ =
      found.journal.last_position > flushed ? found.journal.last_position - flushed : 0;
  TRY_CONTEXT(store_->Recover(database_->recovery()), "recovering from the database");
  TRY(store_->RestoreExemplars(database_->exemplars()));
  TRY(store_->RestoreMetadata(database_->metadata()));
  const storage::StoreStats stats = store_->Stats();
  log::Info("main", "recovered",
            {{"series", stats.recent.series},
             {"replayed_samples", stats.replayed_samples},
             {"seconds", static_cast<double>(clock_.MonotonicNs() - began_ns) / 1e9}});
  return Ok();
}

void Server::ApplyStorageConfig(const config::Config& config) {
  // With backfill, what is too young for it may still come late.
  head_->SetOutOfOrderWindow(std::max(config.storage.tsdb.out_of_order_time_window,
                                      options_.allow_backfill ? kBackfillWindowMs : int64_t{0}));
  storage::JobLimits limits;
  limits.others = config.global.series_limit;
  for (const config::ScrapeConfig& job : config.scrape_configs) {
    limits.by_job[job.job_name] = job.series_limit;
  }
  store_->SetJobLimits(std::move(limits));
  store_->SetMaxExemplars(config.storage.exemplars.max_exemplars);
}

Result<void> Server::ApplyStoragePolicy(const config::Config& config) {
  StoragePolicy policy = TRY(StoragePolicyFrom(options_, config));
  auto classes = TRY(database_->maintenance().SetPolicy(policy.WithoutIds()));
  retention_text_.Set(policy.RetentionText());
  head_->SetClassifier([rules = std::move(policy.classes), ids = std::move(classes)](
                           const Labels& labels) { return ClassOf(labels, rules, ids); });
  return Ok();
}

web::ReplayProgress Server::Replay() const {
  const storage::StoreStats stats = store_->Stats();
  web::ReplayProgress progress;
  progress.current = stats.replayed_pages + stats.corrupt_pages;
  // Recovery is over: positions that were never used are not waited for.
  progress.max = ready_ ? progress.current : std::max<uint64_t>(pages_to_replay_, progress.current);
  return progress;
}

web::StatusSource Server::Status() const {
  web::StatusSource status;
  status.version = toolkit::Version();
  status.revision = toolkit::Revision();
  status.branch = toolkit::Branch();
  status.compiler = toolkit::Compiler();
  status.start_time = clock_.Now();
  status.flags = app_.flags().Values();
  status.config_yaml = [this] { return config::ToYaml(*config_.Copy()); };
  status.last_reload = [this] { return last_reload_.Copy(); };
  status.cardinality = [this](size_t limit) { return store_->GetCardinality(limit); };
  status.recent = [this] { return store_->Stats().recent; };
  status.replay = [this] { return Replay(); };
  status.storage_retention = [this] { return retention_text_.Copy(); };
  status.corruptions = [this] { return store_->Stats().corrupt_pages; };
  status.own_metrics = [this] {
    toolkit::MetricSink sink;
    CollectOwnMetrics(&sink);
    app_.self_metrics().Collect(&sink);
    std::string page;
    sink.Render(&page);
    return page;
  };
  status.blocks = [this] { return postgres::ReadBlocks(database_->conninfo(), kBlocksTimeoutMs); };
  return status;
}

storage::Appender& Server::WriteAppender() {
  if (!options_.allow_backfill) return *store_;
  if (backfill_ != nullptr) return *backfill_;
  backfill_ = std::make_unique<storage::Backfill>(*store_, *head_, database_->chunks(), clock_,
                                                  head::EncodeChunkRow);
  return *backfill_;
}

void Server::MakeReadHandler() {
  remote::ReadHandler::Options options;
  options.max_samples = static_cast<size_t>(options_.read_max_samples);
  options.max_concurrent = static_cast<size_t>(options_.read_max_concurrency);
  options.max_frame_bytes = options_.read_max_frame_bytes;
  read_handler_ = std::make_unique<remote::ReadHandler>(
      *store_, [this] { return config_.Copy()->global.external_labels; }, options);
}

void Server::MakeAlerting(const Alerting::File& file) {
  const std::string user_agent = "Vigil/" + std::string(toolkit::Version());
  const int64_t owned_ms = options_.cluster.standby ? kOwnedMs : options_.cluster.lease_ms;
  gate_ = std::make_shared<cluster::OwnerGate>([this] { return Confirm(); },
                                               [this] { return AskPeers(); }, owned_ms, clock_);
  const auto owned = [gate = gate_] { return gate->Owned(); };
  alertmanagers_ =
      std::make_unique<Alertmanagers>(options_.alertmanagers, user_agent, owned, clock_);
  alertmanagers_->Apply(*config_.Copy());
  postgres::PostgresAlertingStore& store = database_->alerting();
  store.SetHistoryRetention(options_.alerting.history_retention_ms);
  if (file.config == nullptr) return;
  alerting_ = Alerting::Create(options_.alerting, file,
                               {.store = store,
                                .external_url = ExternalUrl(),
                                .user_agent = user_agent,
                                .matcher_mode = MatcherModeFrom(options_.features),
                                .owned = owned,
                                .clock = clock_});
}

std::string Server::ExternalUrl() const {
  const toolkit::WebFlags& web = app_.web_flags();
  if (!web.external_url.empty()) return web.external_url;
  return "http://" + Host() + ":" + std::to_string(OwnPort()) + web.route_prefix;
}

void Server::MakeRules() {
  RulesOptions rules = options_.rules;
  rules.concurrent_rules = options_.ConcurrentRules();
  rules_ = std::make_unique<Rules>(rules, Rules::World{.engine = *engine_,
                                                       .store = *store_,
                                                       .appender = *store_,
                                                       .states = database_->rule_states(),
                                                       .external_url = ExternalUrl(),
                                                       .clock = clock_});
  if (alerting_ != nullptr) rules_->Add(alerting_->service());
  rules_->Add(alertmanagers_->sink());
}

Result<void> Server::StartWeb() {
  web::Cors cors = TRY(web::Cors::Create(options_.cors_origin));
  MakeReadHandler();
  if (options_.remote_write_receiver) {
    write_receiver_ = std::make_unique<remote::WriteReceiver>(WriteAppender());
  }
  if (options_.otlp_receiver) {
    remote::WriteReceiver::Options options;
    options.target_info_interval_ms = std::max<int64_t>(options_.query_lookback_ms / 2, 1'000);
    options.config = [this] { return config_.Copy(); };
    otlp_receiver_ = std::make_unique<remote::WriteReceiver>(WriteAppender(), options);
  }
  web_ = std::make_unique<web::Web>(web::Dependencies{
      .engine = *engine_,
      .store = *store_,
      .exemplars = *store_,
      .scraper = *scraper_,
      .clock = clock_,
      .metadata = store_.get(),
      .read_handler = *read_handler_,
      .notifications = notifications_,
      .cors = std::move(cors),
      .config = [this] { return config_.Copy(); },
      .write_receiver = write_receiver_.get(),
      .otlp_receiver = otlp_receiver_.get(),
      .alerting = alerting_ == nullptr ? nullptr : &alerting_->service(),
      .alert_history = &database_->alerting(),
      .cluster = [this] { return Cluster(); },
      .silenced = [this] { return gate_->Silenced(); },
      .rules = {.groups = [this] { return rules_->groups(); },
                .alertmanagers = [this]() -> web::RulesSource::Alertmanagers {
                  AlertmanagerUrls urls = alertmanagers_->urls();
                  return {std::move(urls.active), std::move(urls.dropped)};
                }},
      .status = Status(),
      .admin = admin_->Actions(options_.admin_api),
      .max_concurrent_queries = static_cast<size_t>(options_.query_max_concurrency),
      .stop = stop_queries_.get_token(),
      .lifecycle = options_.lifecycle,
      .search = options_.SearchEnabled(),
      .max_searched = static_cast<size_t>(options_.search_max_limit),
      .reload = [this] { return Reload(); },
      .quit = [this] { app_.RequestStop(); },
      .ready = [this] { return ready_.load(); },
  });
  rules_->ListQueriesIn(web_->active_queries());
  TRY(web_->OpenQueryLog(config_.Copy()->global.query_log_file));
  web_->AddRoutes(
      [this](std::string_view methods, std::string_view pattern, http::Handler handler) {
        app_.Route(methods, pattern, std::move(handler));
      });
  ServeOwnMetrics();
  app_.Route("GET,HEAD", cluster::kRolePath, [this](const http::Request&) {
    return http::Response::Text(200, cluster::RolePage(true, database_->epoch()));
  });
  // Not ready while the database is away: nothing can be acknowledged then.
  app_.SetReady([this] { return ready_.load() && database_->connected(); });
  return app_.Start();
}

void Server::CollectOwnMetrics(toolkit::MetricSink* sink) const {
  CollectStore(store_->Stats(), sink);
  CollectTsdb(store_->Stats(), database_->metrics(), sink);
  CollectDatabase(database_->metrics(), database_->connected(), sink);
  CollectMaintenance(database_->metrics().maintenance, sink);
  CollectScrape(scraper_->GetStats(), sink);
  alertmanagers_->Collect(sink);
  if (alerting_ != nullptr) alerting_->Collect(sink);
  rules_->Collect(sink);
  if (ready_) CollectDiscovery(discovery_->stats(), sink);
  if (write_receiver_ != nullptr) CollectRemoteWrite(write_receiver_->stats(), sink);
  if (otlp_receiver_ != nullptr) CollectOtlp(otlp_receiver_->stats(), sink);
  if (backfill_ != nullptr) CollectBackfill(backfill_->stats(), sink);
  web_->CollectMetrics(sink);
  if (standby_ != nullptr) standby_->Collect(sink);
  const auto [success, time] = last_reload_.Copy();
  sink->Gauge("prometheus_config_last_reload_successful",
              "Whether the last configuration reload attempt was successful.", success ? 1.0 : 0.0);
  sink->Gauge("prometheus_config_last_reload_success_timestamp_seconds",
              "Timestamp of the last successful configuration reload.",
              static_cast<double>(time) / 1000);
  sink->Gauge("prometheus_ready",
              "Whether Prometheus startup was fully completed and the server is ready for normal "
              "operation.",
              ready_ ? 1.0 : 0.0);
}

void Server::ServeOwnMetrics() {
  app_.ServeMetrics([this](const http::Request&, toolkit::MetricSink* sink) -> Result<void> {
    CollectOwnMetrics(sink);
    return Ok();
  });
}

void Server::StartScraping(std::shared_ptr<const config::Config> config) {
  discovery::Manager::Options options;
  options.coalesce_ms = options_.discovery_reload_ms;
  discovery_ = std::make_unique<discovery::Manager>(
      clock_,
      [this](std::shared_ptr<const discovery::Snapshot> snapshot) {
        scraper_->ApplyTargets(std::move(snapshot));
      },
      options);
  scraper_->ApplyConfig(config);
  discovery_->ApplyConfig(std::move(config));
  discovery_->Start();
}

Result<void> Server::ApplyOrRefuse(const config::Config& config) {
  FallibleReload parts;
  parts.open_query_log = [&] { return web_->OpenQueryLog(config.global.query_log_file); };
  parts.reopen_query_log = [&] {
    return web_->OpenQueryLog(config_.Copy()->global.query_log_file);
  };
  if (alerting_ != nullptr) parts.reload_alerting = [&] { return alerting_->Reload(); };
  parts.apply_policy = [&] { return ApplyStoragePolicy(config); };
  return parts.Run();
}

Result<void> Server::Reload() {
  if (!ready_) return Unavailable("the server is still starting: reload when it is ready");
  const MutexLock lock(reload_mutex_);
  auto config = LoadConfig();
  // The parts that can fail: before anything else changes.
  Result<Rules::Groups> rule_groups = Rules::Groups();
  if (config) rule_groups = Rules::Load(**config, engine_->options().parser);
  if (!rule_groups) config = std::move(rule_groups).error();
  if (config) {
    if (auto applied = ApplyOrRefuse(**config); !applied) config = std::move(applied).error();
  }
  if (!config) {
    last_reload_.With([](auto& last) { last.first = false; });
    notifications_.Set(web::kReloadFailed, true);
    log::Error("main", "reload failed, the configuration before stays in force",
               {{"err", config.error()}});
    return std::move(config).error();
  }
  LogConfigWarnings(**config);
  config_.Set(*config);
  evaluation_interval_ms_ = (*config)->global.evaluation_interval;
  ApplyStorageConfig(**config);
  alertmanagers_->Apply(**config);
  scraper_->ApplyConfig(*config);
  discovery_->ApplyConfig(*config);
  rules_->Apply(*std::move(rule_groups), **config);
  last_reload_.Set({true, clock_.Now()});
  notifications_.Set(web::kReloadFailed, false);
  log::Info("main", "configuration reloaded", {{"file", options_.config_file}});
  return Ok();
}

// Everything is flushed and nobody writes any more.
void Server::DropExpiredSeries() {
  auto dropped = database_->maintenance().DropExpired();
  if (!dropped) {
    log::Warn("main", "series without data stay in the catalogue", {{"err", dropped.error()}});
  } else if (*dropped > 0) {
    log::Info("main", "series without data left the catalogue", {{"series", *dropped}});
  }
}

void Server::Stop() {
  stopping_ = true;
  if (database_ == nullptr && managed_ == nullptr) return app_.Stop();  // of a standby
  const bool was_ready = ready_.exchange(false);
  notifications_.Set(web::kShuttingDown, true);
  if (upkeep_ != nullptr) upkeep_->Stop();
  if (flusher_ != nullptr) flusher_->Stop();
  if (discovery_ != nullptr) discovery_->Stop();
  if (scraper_ != nullptr) scraper_->Stop();
  if (rules_ != nullptr) rules_->Stop();
  stop_queries_.request_stop();
  if (alerting_ != nullptr) alerting_->EndDrills();
  app_.Stop();
  if (alerting_ != nullptr) alerting_->Stop();
  if (alertmanagers_ != nullptr) alertmanagers_->Stop();  // may take 10 s to send the rest
  if (was_ready) {
    // Without this the journal holds it all, and the next start would only take longer.
    auto exemplars = store_->WriteExemplars(database_->exemplars());
    if (!exemplars) log::Warn("main", "exemplars were lost", {{"err", exemplars.error()}});
    auto metadata = store_->WriteMetadata(database_->metadata());
    if (!metadata) log::Warn("main", "metadata was lost", {{"err", metadata.error()}});
    if (auto flushed = store_->Flush(); !flushed) {
      log::Warn("main", "flush at the end failed, the journal has everything",
                {{"err", flushed.error()}});
    } else {
      DropExpiredSeries();
    }
  }
  if (database_ != nullptr) database_->maintenance().OnTombstones(nullptr);
  if (database_ != nullptr) database_->Close();
  store_.reset();
  database_.reset();
  if (managed_ != nullptr) managed_->Stop();
  managed_.reset();
  log::Info("main", "See you next time!");
}

}  // namespace vigil::server
