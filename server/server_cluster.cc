// SPDX-License-Identifier: Apache-2.0
// See server.h: how a server comes to its database, stands by for it and loses it.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "client-lib/base/log.h"
#include "client-lib/http/sockets.h"
#include "server/cluster/owner_watch.h"
#include "server/cluster/peer_roles.h"
#include "server/cluster/process_restart.h"
#include "server/server.h"

namespace vigil::server {
namespace {

// Of a process whose database another server has taken over.
constexpr int kFencedExit = 3;

// A standby does not wait longer for a database that is away: it asks again.
constexpr int64_t kStandbyConnectMs = 5'000;
constexpr int64_t kConfirmMs = 2'000;
constexpr int64_t kMembersMs = 2'000;
constexpr int64_t kGiveBackMs = 2'000;
constexpr int64_t kAnewPauseMs = 2'000;
// Beyond the query's own time.
constexpr int64_t kForwardSlackMs = 10'000;
// Signs of life come every few seconds.
constexpr int64_t kLeastSeenMs = 10'000;

}  // namespace

std::string Server::Host() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

std::string Server::Instance() const { return Host() + ":" + std::to_string(OwnPort()); }

Result<void> Server::CheckFlags() {
  TRY(options_.Check());
  TRY(postgres::CheckConninfo(options_.postgres_dsn));
  for (const std::string& address : app_.web_flags().listen_addresses) {
    TRY(http::ResolveListenAddress(address));
  }
  TRY(web::Cors::Create(options_.cors_origin));
  peer_client_ = TRY(options_.cluster.PeerClient());
  advertised_url_ = TRY(AdvertisedUrl(options_.cluster, app_.web_flags(), Host(), OwnPort()));
  return Ok();
}

Result<void> Server::OpenDatabase(std::optional<int64_t> seen_epoch) {
  postgres::DatabaseOptions options;
  options.spool_bytes = options_.spool_bytes;
  options.chunk_cache_bytes = options_.chunk_cache_bytes;
  options.instance = Instance();
  options.url = advertised_url_;
  options.seen_epoch = seen_epoch;
  options.lease_ms = options_.cluster.lease_ms;
  options.on_fenced = [this] { StepDown(); };
  if (options_.cluster.standby) {
    options.ownership_wait_ms = 0;
    options.connect_timeout_ms = kStandbyConnectMs;
  }
  if (options_.postgres_dsn.empty()) {
    postgres::ManagedPostgresOptions managed;
    managed.storage_path = options_.storage_path;
    managed_ = TRY(postgres::ManagedPostgres::Start(managed));
    options.conninfo = managed_->conninfo();
    log::Info("main", "PostgreSQL is up", {{"connect", managed_->psql_command()}});
  } else {
    options.conninfo = options_.postgres_dsn;
  }
  database_ = TRY_CONTEXT(postgres::Database::Open(std::move(options)), "opening the database");
  members_ = std::make_unique<cluster::MemberList>(
      [conninfo = database_->conninfo(),
       seen_within_ms = std::max(kLeastSeenMs, options_.cluster.lease_ms)] {
        return postgres::ReadMembers(conninfo, seen_within_ms, kMembersMs);
      },
      clock_);
  return Ok();
}

Result<Server::PlanPtr> Server::StandBy(PlanPtr plan) {
  plan_.Set(std::move(plan));
  cluster::Standby::Options options;
  options.instance = Instance();
  options.url = advertised_url_;
  options.client = options_.cluster.Client();
  options.forward_timeout_ms = options_.query_timeout_ms + kForwardSlackMs;
  options.lifecycle = options_.lifecycle;
  standby_ = std::make_unique<cluster::Standby>(
      app_, std::move(options),
      std::make_unique<cluster::PostgresOwnerWatch>(options_.postgres_dsn), clock_);
  const auto load = [this]() -> Result<void> {
    plan_.Set(TRY(LoadPlan()));
    return Ok();
  };
  const auto outcome = TRY(standby_->Run(
      {.open = [this](int64_t seen_epoch) { return OpenDatabase(seen_epoch); }, .reload = load}));
  if (outcome == cluster::Standby::Outcome::kStopped) return PlanPtr();
  // The files may have changed while it stood by. A server that leads by what it read before is
  // better than none.
  if (Result<void> loaded = load(); !loaded) {
    log::Error("main", "going on with the configuration from before", {{"err", loaded.error()}});
  }
  return plan_.Copy();
}

Result<Server::Started> Server::BeginAnew(Error problem) {
  if (problem.kind != ErrorKind::kUnavailable && problem.kind != ErrorKind::kTimeout) {
    return problem;
  }
  log::Error("main", "could not lead: begins anew as a standby", {{"err", problem}});
  database_->Close(kGiveBackMs);
  // Another one may take it meanwhile, and what is wrong may pass.
  if (app_.signals().Wait(kAnewPauseMs) == toolkit::Signals::Event::kStop) {
    return Started::kStopped;
  }
  log::Error("main", "cannot begin anew as a standby", {{"err", cluster::RestartProcess()}});
  return problem;
}

Result<void> Server::Confirm() {
  Result<void> confirmed = database_->ConfirmOwnership(kConfirmMs);
  if (!confirmed && confirmed.error().kind == ErrorKind::kNotFound) StepDown();
  return confirmed;
}

cluster::PeersSay Server::AskPeers() const {
  return cluster::PeerRoles(peer_client_).AskAll(database_->standbys(), database_->epoch());
}

// No thread of a former owner may go on: what it would write is refused, but not what it sends.
void Server::StepDown() {
  if (stepped_down_.exchange(true)) return;
  log::Error("main",
             "another vigil-server has taken the database over: this one ends at once, writes and "
             "notifies no more",
             {{"exit_code", kFencedExit}, {"stands_by", options_.cluster.standby}});
  if (managed_ != nullptr) managed_->Stop();
  if (options_.cluster.standby && !stopping_) {
    log::Error("main", "cannot begin anew as a standby", {{"err", cluster::RestartProcess()}});
  }
  std::_Exit(kFencedExit);
}

web::ClusterStatus Server::Cluster() {
  web::ClusterStatus status;
  const std::vector<postgres::Member> members = members_->Get();
  if (!options_.cluster.standby && members.size() < 2) return status;
  status.name = Instance();
  for (const postgres::Member& member : members) {
    std::string_view address = member.url;
    if (const size_t scheme = address.find("://"); scheme != std::string_view::npos) {
      address.remove_prefix(scheme + 3);
    }
    address = address.substr(0, address.find('/'));
    status.peers.push_back({member.instance, std::string(address)});
  }
  return status;
}

}  // namespace vigil::server
