// SPDX-License-Identifier: Apache-2.0
// A server that waits for its database: it answers by way of the leader, watches the leader and
// takes over.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "exporters/toolkit/app.h"
#include "server/cluster/forwarder.h"
#include "server/cluster/owner_watch.h"
#include "server/cluster/takeover_rule.h"
#include "server/postgres/ownership.h"

namespace vigil::cluster {

// Threads: owner thread only; Collect any. The web's threads use it until the app stops: keep it
// until then, also when it has long become the leader.
class Standby {
 public:
  struct Options {
    std::string instance;                               // host:port, for people
    std::string url;                                    // of this server: what the others are told
    std::shared_ptr<const http::ClientOptions> client;  // for the leader
    int64_t forward_timeout_ms = 130'000;
    int64_t ask_every_ms = 500;
    bool lifecycle = false;  // /-/reload and /-/quit
  };
  struct Actions {
    // Takes the database, whose epoch was seen to be so, and opens it. unavailable, timeout:
    // somebody else was faster, or it is away; this server stands by again. Any other error ends
    // Run before it listens; from then on it is logged and tried again after a while.
    std::function<Result<void>(int64_t seen_epoch)> open;
    // Reads the configuration anew: the error is what is wrong with it.
    std::function<Result<void>()> reload;
  };
  enum class Outcome { kLeads, kStopped };

  Standby(toolkit::App& app, Options options, std::unique_ptr<OwnerWatch> watch,
          const Clock& clock);
  ~Standby();

  // Until this server leads or is asked to stop. Listens only if it has to wait.
  Result<Outcome> Run(const Actions& actions);
  // vigil_cluster_*
  void Collect(toolkit::MetricSink* sink) const;

 private:
  // What the pages say.
  struct View {
    postgres::OwnerState owner;
    std::string problem;        // empty: the database answers
    int64_t owner_seen_ns = 0;  // last time the owner was alive; 0: never
    bool taking_over = false;
    bool leads = false;
  };

  // Asks the database; true: take over.
  bool Look();
  // True: this server leads.
  Result<bool> TakeOver(const Actions& actions);
  Result<void> Listen(const Actions& actions);
  void Beat(const postgres::OwnerState& owner);
  void Leave();
  void Reload(const Actions& actions);

  // Threads: any.
  http::Response Answer(http::Request& request);
  http::Response AnswerOwn(const http::Request& request, std::string_view path);
  http::Response Forward(http::Request& request);
  http::Response Metrics();
  [[nodiscard]] std::string Status() const;

  toolkit::App& app_;
  const Options options_;
  const Clock& clock_;
  const std::unique_ptr<OwnerWatch> watch_;
  Forwarder forwarder_;
  TakeoverRule rule_;
  int64_t next_beat_ns_ = 0;
  int64_t pause_ms_ = 0;  // after an attempt to take over that failed for good, as it seemed
  int64_t try_at_ns_ = 0;
  bool listening_ = false;
  std::string last_problem_;
  std::function<Result<void>()> reload_;
  Mutex reload_mutex_;  // one reload at a time
  Guarded<View> view_;
  std::atomic<uint64_t> polls_{0};
  std::atomic<uint64_t> poll_failures_{0};
  std::atomic<uint64_t> failovers_{0};
};

}  // namespace vigil::cluster
