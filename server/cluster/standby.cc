// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/standby.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/model/duration.h"
#include "server/cluster/forwarding.h"
#include "server/cluster/peer_roles.h"

namespace vigil::cluster {
namespace {

constexpr int64_t kBeatNs = 2'000'000'000;
// Between attempts to take over that fail with what does not look as if it would pass.
constexpr int64_t kLeastPauseMs = 1'000;
constexpr int64_t kMostPauseMs = 30'000;
constexpr const char* kTextPage = "text/plain; version=0.0.4; charset=utf-8";

bool ComesAgain(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kTimeout;
}

Forwarder::Options ForwarderOptions(toolkit::App& app, const Standby::Options& options) {
  Forwarder::Options out;
  out.self = options.url;
  out.prefix = app.web_flags().route_prefix;
  out.client = options.client;
  out.timeout_ms = options.forward_timeout_ms;
  return out;
}

}  // namespace

Standby::Standby(toolkit::App& app, Options options, std::unique_ptr<OwnerWatch> watch,
                 const Clock& clock)
    : app_(app),
      options_(std::move(options)),
      clock_(clock),
      watch_(std::move(watch)),
      forwarder_(ForwarderOptions(app, options_)) {}

Standby::~Standby() = default;

Result<Standby::Outcome> Standby::Run(const Actions& actions) {
  while (true) {
    if (Look() && TRY(TakeOver(actions))) return Outcome::kLeads;
    if (!listening_) TRY(Listen(actions));
    switch (app_.signals().Wait(options_.ask_every_ms)) {
      case toolkit::Signals::Event::kStop:
        log::Info("main", "stopping");
        Leave();
        return Outcome::kStopped;
      case toolkit::Signals::Event::kReload:
        Reload(actions);
        break;
      case toolkit::Signals::Event::kNone:
        break;
    }
  }
}

bool Standby::Look() {
  polls_.fetch_add(1, std::memory_order_relaxed);
  auto owner = watch_->Ask();
  if (!owner) {
    poll_failures_.fetch_add(1, std::memory_order_relaxed);
    rule_.Lost();
    const std::string& problem = owner.error().message;
    if (std::exchange(last_problem_, problem) != problem) {
      log::Warn("cluster", "the database cannot be asked for its owner", {{"err", problem}});
    }
    view_.With([&](View& view) { view.problem = problem; });
    return false;
  }
  last_problem_.clear();
  const int64_t now_ns = clock_.MonotonicNs();
  const bool alive = owner->locked && owner->lease_left_ms > 0;
  const bool never_seen = view_.With([&](View& view) {
    view.problem.clear();
    view.owner = *owner;
    if (alive) view.owner_seen_ns = now_ns;
    return view.owner_seen_ns == 0;
  });
  // A former life of this very server does not come back.
  const bool given_back = owner->given_back || (never_seen && owner->url == options_.url);
  const bool free =
      rule_.Saw({owner->epoch, owner->locked, owner->lease_left_ms, given_back}, now_ns);
  if (free && now_ns >= try_at_ns_) return true;
  Beat(*owner);
  return false;
}

void Standby::Beat(const postgres::OwnerState& owner) {
  if (!owner.has_members || clock_.MonotonicNs() < next_beat_ns_) return;
  next_beat_ns_ = clock_.MonotonicNs() + kBeatNs;
  auto told = watch_->Beat(options_.url, options_.instance);
  if (!told) log::Debug("cluster", "no sign of life in the database", {{"err", told.error()}});
  if (owner.url == options_.url && owner.locked) {
    log::Error("cluster",
               "the owner of the database advertises the address of this server: give each its own "
               "--cluster.advertise-url",
               {{"url", owner.url}, {"owner", owner.instance}});
  }
}

void Standby::Leave() {
  forwarder_.Close();
  const bool told = view_.With([](View& view) { return view.owner.has_members; });
  if (!told) return;
  auto left = watch_->SayFarewell(options_.url);
  if (!left) log::Debug("cluster", "no farewell in the database", {{"err", left.error()}});
}

Result<bool> Standby::TakeOver(const Actions& actions) {
  const View seen = view_.With([](View& view) {
    view.taking_over = true;
    return view;
  });
  if (listening_) {
    log::Info("cluster", "taking the database over",
              {{"from", seen.owner.instance}, {"epoch", seen.owner.epoch}});
  }
  forwarder_.Close();
  Result<void> opened = actions.open(seen.owner.epoch);
  view_.With([&](View& view) {
    view.taking_over = false;
    view.leads = opened.has_value();
  });
  if (opened) {
    watch_->Disconnect();
    if (listening_) failovers_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  if (ComesAgain(opened.error())) {
    log::Warn("cluster", "the database was not to be had, standing by", {{"err", opened.error()}});
  } else if (!listening_) {
    return std::move(opened).error();
  } else {
    pause_ms_ = std::clamp(2 * pause_ms_, kLeastPauseMs, kMostPauseMs);
    try_at_ns_ = clock_.MonotonicNs() + pause_ms_ * 1'000'000;
    log::Error("cluster", "cannot take the database over, standing by",
               {{"err", opened.error()}, {"again_in_ms", pause_ms_}});
  }
  forwarder_.Reopen();
  return false;
}

void Standby::Reload(const Actions& actions) {
  const MutexLock lock(reload_mutex_);
  Result<void> reloaded = actions.reload();
  if (reloaded) {
    log::Info("cluster", "the configuration is good; it takes effect when this server leads");
  } else {
    log::Error("cluster", "reload failed", {{"err", reloaded.error()}});
  }
}

Result<void> Standby::Listen(const Actions& actions) {
  reload_ = actions.reload;
  TRY(app_.StartBehind([this](http::Request& request) { return Answer(request); }));
  listening_ = true;
  log::Info("cluster", Status());
  return Ok();
}

std::string Standby::Status() const {
  const View view = view_.Copy();
  if (view.leads) return "this server has taken the database over and is starting";
  if (!view.problem.empty()) {
    return "this server stands by: the database cannot be reached, the log says why";
  }
  if (view.owner.epoch == 0) return "this server stands by: nobody has the database";
  std::string text = "this server stands by: the database is owned by " + view.owner.instance;
  if (!view.owner.url.empty()) text += " at " + view.owner.url;
  if (view.owner.since != 0) text += " since " + FormatRfc3339(view.owner.since);
  if (view.taking_over) text += ", from which it is just being taken over";
  return text;
}

http::Response Standby::Answer(http::Request& request) {
  const std::string& prefix = app_.web_flags().route_prefix;
  auto path = PathBelow(request.raw_path, prefix);
  if (!path) {
    if (request.raw_path != "/" && request.raw_path != prefix) {
      return http::Response::Text(404, path.error().message + "\n");
    }
    http::Response response = http::Response::Text(302, "");
    response.headers.Set("Location", prefix + "/");
    return response;
  }
  if (path->starts_with("/-/") || *path == "/metrics") return AnswerOwn(request, *path);
  // Events without an end; 204 tells a browser not to come back for them.
  if (*path == "/api/v1/notifications/live") return http::Response::Text(204, "");
  return Forward(request);
}

http::Response Standby::AnswerOwn(const http::Request& request, std::string_view path) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && path == "/metrics") return Metrics();
  if (reads && path == "/-/healthy") return http::Response::Text(200, app_.info().healthy_text);
  if (reads && path == "/-/ready") return TryAgain(Status());
  if (reads && path == kRolePath) {
    const View view = view_.Copy();
    // Once the epoch is raised; until it is read anew it is the one before.
    return http::Response::Text(200, RolePage(view.leads, view.owner.epoch + (view.leads ? 1 : 0)));
  }
  const bool lifecycle = path == "/-/reload" || path == "/-/quit";
  if (!lifecycle) return http::Response::Text(404, "404 page not found\n");
  if (request.method != "POST" && request.method != "PUT") {
    return http::Response::Text(405, "Only POST or PUT requests allowed");
  }
  if (!options_.lifecycle) return http::Response::Text(403, "Lifecycle API is not enabled.");
  if (path == "/-/quit") {
    app_.RequestStop();
    return http::Response::Text(200, "Requesting termination... Goodbye!");
  }
  const MutexLock lock(reload_mutex_);
  if (view_.With([](const View& view) { return view.leads; })) return TryAgain(Status());
  Result<void> reloaded = reload_();
  if (reloaded) return http::Response::Text(200, "");
  return http::Response::Text(500, "failed to reload config: " + reloaded.error().message + "\n");
}

http::Response Standby::Forward(http::Request& request) {
  const View view = view_.Copy();
  // A leader that was known answers also while the database does not.
  if (view.leads || view.taking_over || view.owner.epoch == 0) return TryAgain(Status());
  if (view.owner.url.empty()) {
    return TryAgain(Status() +
                    ", which does not say where it is reached (--cluster.advertise-url)");
  }
  return forwarder_.Forward(request, view.owner.url);
}

http::Response Standby::Metrics() {
  toolkit::MetricSink sink;
  Collect(&sink);
  app_.self_metrics().Collect(&sink);
  sink.Gauge("prometheus_ready",
             "Whether Prometheus startup was fully completed and the server is ready for normal "
             "operation.",
             0);
  http::Response response;
  response.content_type = kTextPage;
  sink.Render(&response.body);
  return response;
}

void Standby::Collect(toolkit::MetricSink* sink) const {
  using Type = toolkit::MetricSink::MetricType;
  const View view = view_.Copy();
  const auto role = sink->Family("vigil_cluster_role", "1 for what this server is.", Type::kGauge);
  sink->Add(role, {{"role", "leader"}}, view.leads ? 1 : 0);
  sink->Add(role, {{"role", "standby"}}, view.leads ? 0 : 1);
  sink->Counter("vigil_cluster_failovers_total",
                "Times this process took the database over after standing by.",
                static_cast<double>(failovers_.load()));
  sink->Counter("vigil_cluster_polls_total", "Times the database was asked for its owner.",
                static_cast<double>(polls_.load()));
  sink->Counter("vigil_cluster_poll_failures_total", "Times the database did not say.",
                static_cast<double>(poll_failures_.load()));
  if (!view.leads) {
    sink->Gauge("vigil_cluster_epoch", "How often the database has changed hands.",
                static_cast<double>(view.owner.epoch));
    sink->Gauge("vigil_cluster_lease_seconds", "What is left of the owner's lease.",
                static_cast<double>(view.owner.lease_left_ms) / 1000);
    if (view.owner_seen_ns != 0) {
      sink->Gauge("vigil_cluster_owner_seen_seconds",
                  "Since the owner of the database was last seen alive.",
                  static_cast<double>(clock_.MonotonicNs() - view.owner_seen_ns) / 1e9);
    }
  }
  forwarder_.Collect(sink);
}

}  // namespace vigil::cluster
