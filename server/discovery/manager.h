// SPDX-License-Identifier: Apache-2.0
// Runs the providers of all jobs on one thread and hands out immutable snapshots of all targets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "server/config/config.h"
#include "server/discovery/list.h"
#include "server/discovery/provider.h"

namespace vigil::discovery {

using Groups = std::vector<TargetGroup>;
// Job name to its groups, sorted by source. Groups of an unchanged job are the same object as in
// the snapshot before.
using Snapshot = std::map<std::string, std::shared_ptr<const Groups>>;

struct ManagerStats {
  uint64_t updates_received = 0;                       // prometheus_sd_received_updates_total
  uint64_t updates_sent = 0;                           // prometheus_sd_updates_total
  std::map<std::string, uint64_t> discovered_targets;  // prometheus_sd_discovered_targets{config}
};

// Threads: ApplyConfig, Stop, current and stats from any thread; on_update is called on the
// manager's thread, one call at a time.
class Manager {
 public:
  using OnUpdate = std::function<void(std::shared_ptr<const Snapshot>)>;
  struct Options {
    int64_t coalesce_ms = 5'000;  // at least this long between two snapshots
  };

  Manager(const Clock& clock, OnUpdate on_update, Options options);
  Manager(const Clock& clock, OnUpdate on_update) : Manager(clock, std::move(on_update), {}) {}
  ~Manager();

  // Starts the thread. Without it RunOnce() is the caller's business (tests).
  void Start();
  // Providers whose configuration did not change live on. The targets of the new configuration
  // are handed out without waiting for the coalescing.
  void ApplyConfig(std::shared_ptr<const config::Config> config);
  // Joins the thread; no on_update after it.
  void Stop();

  // Does what is due and hands out a snapshot when it is time; returns how many milliseconds may
  // pass before the next call, -1: until something wakes.
  // REQUIRES: not started.
  int64_t RunOnceForTest() { return RunOnce(); }

  [[nodiscard]] std::shared_ptr<const Snapshot> current() const { return current_.Copy(); }
  [[nodiscard]] ManagerStats stats() const;

 private:
  struct Worker;  // one provider at work
  struct Job;

  int64_t RunOnce();
  void Loop(const std::stop_token& stop);
  void Wait(int64_t wait_ms);
  void Wake();
  void TakeConfig(const config::Config& config);
  static std::unique_ptr<Worker> TakeWorker(Job* old, std::string_view fingerprint);
  static std::unique_ptr<Job> MakeJob(const config::ScrapeConfig& config, Job* old);
  int64_t StepProviders(int64_t now_ns);
  void Publish(int64_t now_ns);

  const Clock& clock_;
  const OnUpdate on_update_;
  const Options options_;
  int wake_fd_ = -1;

  Guarded<std::shared_ptr<const config::Config>> pending_config_;
  Guarded<std::shared_ptr<const Snapshot>> current_;
  Guarded<ManagerStats> stats_;

  // State below belongs to the manager's thread.
  std::map<std::string, std::unique_ptr<Job>> jobs_;
  bool publish_now_ = false;
  bool changed_ = false;
  int64_t last_publish_ns_ = 0;
  bool published_once_ = false;

  std::jthread thread_;
};

}  // namespace vigil::discovery
