// SPDX-License-Identifier: Apache-2.0
// Alerting in the server: configuration file, service, notifier and their metrics.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "exporters/toolkit/metric_sink.h"
#include "server/alerting/service.h"
#include "server/alerting_options.h"
#include "server/cluster/owned_notifier.h"
#include "server/notify/http_notifier.h"

namespace vigil::server {

// Threads: owner thread only; Collect and what service() returns any.
class Alerting {
 public:
  struct World {
    alerting::StateStore& store;
    std::string external_url;
    std::string user_agent;
    alerting::MatcherMode matcher_mode = alerting::MatcherMode::kFallback;
    // Whether this server may speak: see OwnerGate.
    cluster::OwnedNotifier::Owned owned;
    const Clock& clock;
  };
  using ConfigPtr = std::shared_ptr<const alerting::AlertingConfig>;
  // A configuration file that was read.
  struct File {
    ConfigPtr config;  // null without --alerting.config.file
    uint64_t hash = 0;
  };
  // Reads the file; the error is what is wrong with it.
  static Result<File> Load(const AlertingOptions& options, alerting::MatcherMode mode);
  // REQUIRES: file.config is not null.
  static std::unique_ptr<Alerting> Create(const AlertingOptions& options, const File& file,
                                          World world);
  ~Alerting();

  // Takes up what the database has and begins to notify.
  Result<void> Start();
  void Stop();
  // Whoever waits for a fire drill has the answer at once. Threads: any.
  void EndDrills();
  // Reads the file anew; on an error the configuration before stays in force.
  Result<void> Reload();

  [[nodiscard]] alerting::AlertingService& service() { return *service_; }
  void Collect(toolkit::MetricSink* sink) const;

 private:
  // What metrics say about the file.
  struct Loaded {
    bool success = true;
    TimestampMs at = 0;  // of the last success
    uint64_t hash = 0;
  };

  Alerting(AlertingOptions options, World world)
      : options_(std::move(options)), world_(std::move(world)) {}

  const AlertingOptions options_;
  const World world_;
  Guarded<Loaded> loaded_;
  std::unique_ptr<notify::HttpNotifier> notifier_;
  std::unique_ptr<cluster::OwnedNotifier> owned_notifier_;
  std::unique_ptr<alerting::AlertingService> service_;
};

}  // namespace vigil::server
