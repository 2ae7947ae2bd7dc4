// SPDX-License-Identifier: Apache-2.0
// Sends this server's alerts to Alertmanagers elsewhere: the `alerting` section of prometheus.yml
// at work.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "client-lib/http/client.h"
#include "client-lib/model/labels.h"
#include "client-lib/model/relabel.h"
#include "server/access/shared_access.h"
#include "server/alerting/alert_sink.h"
#include "server/config/sigv4_config.h"
#include "server/notify/aws_credentials.h"

namespace vigil::notify {

// Alertmanagers that are reached in the same way.
struct AlertmanagerSet {
  std::vector<std::string> urls;  // whole: http://am:9093/api/v2/alerts
  // The same object: the same configuration, whose token stays good. Null: the defaults.
  std::shared_ptr<const config::HttpClientConfig> http;
  std::shared_ptr<const config::Sigv4Config> sigv4;  // null: requests are not signed
  DurationMs timeout = 10'000;
  std::vector<RelabelRule> alert_relabel_configs;  // for these alone
};

// What metrics show of one Alertmanager.
struct AlertmanagerStats {
  uint64_t sent = 0;     // alerts
  uint64_t errors = 0;   // alerts of batches that failed
  uint64_t dropped = 0;  // alerts that were not sent: the queue was full, or their batch failed
  size_t queue_length = 0;
  uint64_t requests = 0;
  int64_t total_us = 0;  // of all requests
};

// One queue and at most one request under way for each Alertmanager; when a queue is full the
// oldest alerts go. A batch that failed is not sent again: rules repeat alerts while they fire.
// Threads: any; Start and Stop on the owner's thread.
class AlertmanagerSender final : public alerting::AlertSink {
 public:
  struct Options {
    size_t queue_capacity = 10'000;
    size_t batch_size = 256;
    bool drain_on_stop = true;
    std::string user_agent = "Vigil";
    const Clock* clock = &Clock::System();
    // Asked before a batch and before its request, on the sender's thread; a batch that may not go
    // is dropped. Empty: always.
    std::function<bool()> may_send;
  };
  explicit AlertmanagerSender(Options options);
  // For tests: with this client.
  AlertmanagerSender(Options options, std::unique_ptr<http::AsyncClient> client);
  ~AlertmanagerSender() override;

  // Starts the thread. Without it RunOnceForTest is the caller's business.
  void Start();
  // What is queued is sent first, if so wished, to those that answer; for 10 s at most.
  void Stop();

  // Queues of Alertmanagers that stay live on.
  void SetAlertmanagers(std::vector<AlertmanagerSet> sets);

  Result<void> Post(const std::vector<alerting::PostedAlert>& alerts) override;

  [[nodiscard]] std::map<std::string, AlertmanagerStats> stats() const;
  [[nodiscard]] size_t queue_capacity() const { return options_.queue_capacity; }
  // REQUIRES: not started.
  void RunOnceForTest() { RunOnce(0); }

 private:
  using AlertText = std::shared_ptr<const std::string>;

  struct Target {
    std::deque<AlertText> queue;
    AlertmanagerStats stats;
    bool busy = false;
    bool failed = false;  // its last batch
    size_t set = 0;       // in State::sets
    std::shared_ptr<const config::Sigv4Config> sigv4;
    std::shared_ptr<AwsCredentialSource> signer;  // made from it; the sender's thread only
  };
  struct Set {
    AlertmanagerSet config;
    std::shared_ptr<access::SharedAccess> access;  // the sender's thread only
  };
  using AccessPtr = std::shared_ptr<access::SharedAccess>;
  struct State {
    std::vector<Set> sets;
    std::map<std::string, std::shared_ptr<Target>> targets;  // by URL
  };
  // A request to make.
  struct Batch {
    std::string url;
    std::shared_ptr<Target> target;
    std::shared_ptr<access::SharedAccess> access;
    std::shared_ptr<AwsCredentialSource> signer;
    DurationMs timeout = 0;
    std::vector<AlertText> alerts;
  };

  [[nodiscard]] AccessPtr AccessOf(const AlertmanagerSet& set,
                                   const std::vector<Set>& before) const;
  void Loop(const std::stop_token& stop);
  void RunOnce(int64_t max_wait_ms);
  std::vector<Batch> TakeBatches(bool also_failed);
  // Otherwise the batch is finished.
  bool MaySend(const Batch& batch);
  void SendBatch(const std::shared_ptr<const Batch>& batch);
  // Asks for keys first where they are not there.
  void SignBatch(const std::shared_ptr<const Batch>& batch, http::ClientRequest request);
  void StartBatch(const std::shared_ptr<const Batch>& batch, http::ClientRequest request);
  void PostBatch(const std::shared_ptr<const Batch>& batch, access::HttpAccess::Options options);
  void FinishBatch(const Batch& batch, const Result<http::ClientResponse>& answer);
  void Drain();  // REQUIRES: the thread has ended
  [[nodiscard]] std::vector<AlertText> TextsOf(const alerting::PostedAlert& alert) const
      REQUIRES_LOCK(mutex_);
  void Enqueue(Target* target, AlertText alert) REQUIRES_LOCK(mutex_);

  const Options options_;
  std::unique_ptr<http::AsyncClient> client_;
  std::atomic<bool> stopped_{false};
  mutable Mutex mutex_;
  State state_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

// As the API takes it: one JSON object.
std::string PostableAlertJson(const Labels& labels, const alerting::PostedAlert& alert);

}  // namespace vigil::notify
