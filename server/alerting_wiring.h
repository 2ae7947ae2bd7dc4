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
    const Clock& clock;
  };
  // Reads the file; the error is what is wrong with it.
  static Result<std::unique_ptr<Alerting>> Create(const AlertingOptions& options, World world);
  ~Alerting();

  // Takes up what the database has and begins to notify.
  Result<void> Start();
  void Stop();
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
  using ConfigPtr = std::shared_ptr<const alerting::AlertingConfig>;

  explicit Alerting(std::string file, World world) : file_(std::move(file)), world_(world) {}
  Result<std::pair<ConfigPtr, uint64_t>> Load() const;

  const std::string file_;
  const World world_;
  Guarded<Loaded> loaded_;
  std::unique_ptr<notify::HttpNotifier> notifier_;
  std::unique_ptr<alerting::AlertingService> service_;
};

}  // namespace vigil::server
