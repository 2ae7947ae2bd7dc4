// SPDX-License-Identifier: Apache-2.0
// Alertmanagers elsewhere: the `alerting` section of prometheus.yml from discovery to metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "exporters/toolkit/flags.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/config/config.h"
#include "server/discovery/manager.h"
#include "server/notify/alertmanager_sender.h"

namespace vigil::server {

struct AlertmanagersOptions {
  int64_t queue_capacity = 10'000;
  int64_t batch_size = 256;
  bool drain = true;

  void AddTo(toolkit::FlagSet* flags);
  // bad_data names the flag.
  [[nodiscard]] Result<void> Check() const;
};

// URLs, as /api/v1/alertmanagers lists them.
struct AlertmanagerUrls {
  std::vector<std::string> active;
  std::vector<std::string> dropped;  // by relabelling
};

// What discovery found for the blocks of the configuration: sets of URLs for the sender, and what
// relabelling dropped. Addresses that are none are logged and left out.
struct FoundAlertmanagers {
  std::vector<notify::AlertmanagerSet> sets;
  AlertmanagerUrls urls;
};
using SectionPtr = std::shared_ptr<const config::AlertingSection>;
FoundAlertmanagers FindAlertmanagers(const SectionPtr& shared_section,
                                     const discovery::Snapshot& snapshot);

// Threads: Start, Apply and Stop one at a time; the rest any.
class Alertmanagers {
 public:
  // may_send: see AlertmanagerSender::Options.
  Alertmanagers(const AlertmanagersOptions& options, std::string user_agent,
                std::function<bool()> may_send, const Clock& clock);
  ~Alertmanagers();

  // Threads are started once there is somebody to send to.
  void Start();
  void Apply(const config::Config& config);
  // Sends what is queued, if so wished. REQUIRES: nobody posts any more.
  void Stop();

  [[nodiscard]] alerting::AlertSink& sink() { return sender_; }
  [[nodiscard]] AlertmanagerUrls urls() const { return urls_.Copy(); }
  void Collect(toolkit::MetricSink* sink) const;

 private:
  void Take(const discovery::Snapshot& snapshot);
  void StartThreads();

  bool started_ = false;
  bool wanted_ = false;
  bool running_ = false;
  notify::AlertmanagerSender sender_;
  // The section in force, and the discovery job that tells snapshots of its blocks from older ones.
  struct Applied {
    SectionPtr section;
    std::string marker_job;
  };
  Guarded<Applied> applied_;
  uint64_t applied_count_ = 0;
  Guarded<AlertmanagerUrls> urls_;
  discovery::Manager discovery_;  // last: its thread uses the others
};

}  // namespace vigil::server
