// SPDX-License-Identifier: Apache-2.0
// Sends notifications: one thread with an HTTP client drives the step machines of all messages that
// are under way. One Send is one try; who tries again is AlertRouter.
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
#include "server/access/shared_access.h"
#include "server/alerting/notifier.h"
#include "server/notify/blocking_pool.h"
#include "server/notify/list.h"
#include "server/notify/receiver.h"

namespace vigil::notify {

// Threads: any; Start and Stop on the owner's thread.
class HttpNotifier final : public alerting::Notifier {
 public:
  struct Options {
    std::string external_url;  // of this server, in templates
    std::string user_agent = "Vigil";
    const Clock* clock = &Clock::System();
  };
  explicit HttpNotifier(Options options);
  // For tests: with this client.
  HttpNotifier(Options options, std::unique_ptr<http::AsyncClient> client);
  ~HttpNotifier() override;

  // Starts the thread. Without it RunOnceForTest is the caller's business.
  void Start();
  void Send(alerting::Outgoing message, Done done) override;
  Result<void> Apply(std::shared_ptr<const alerting::AlertingConfig> config) override;
  void Stop() override;

  // REQUIRES: not started. Starts what was sent, then polls once.
  void RunOnceForTest(int64_t max_wait_ms = 0) { RunOnce(max_wait_ms); }

 private:
  // An integration at work.
  struct Sender {
    std::unique_ptr<Receiver> receiver;
    std::shared_ptr<access::SharedAccess> access;
  };
  // The integrations of one configuration by IntegrationKey. Messages keep theirs alive.
  struct World {
    std::shared_ptr<const Templates> templates;
    std::map<std::string, Sender> senders;
  };
  struct Queued {
    alerting::Outgoing message;
    Done done;
    std::shared_ptr<World> world;  // as it was when the message came
  };
  // A message under way.
  struct Job {
    uint64_t id = 0;  // of the message
    std::string type;
    Done done;
    std::shared_ptr<World> world;
    Sender* sender = nullptr;
    std::unique_ptr<Delivery> delivery;
    TimestampMs deadline = 0;
    DurationMs own_timeout = 0;   // of the type, when that ends before the message's deadline
    http::ClientRequest request;  // the next, while a token is fetched for it
    alerting::Outgoing message;   // until it begins
    bool begun = false;
  };
  using JobPtr = std::shared_ptr<Job>;
  // The messages of one integration. Only so many are under way at once, so that a slow service
  // does not take all connections and is not run over by a restart.
  struct Lane {
    size_t running = 0;
    std::deque<JobPtr> waiting;
  };

  [[nodiscard]] std::shared_ptr<access::SharedAccess> AccessOf(
      const config::HttpClientConfig& http) const;
  void Loop(const std::stop_token& stop);
  void RunOnce(int64_t max_wait_ms);
  void StartQueued();
  void Take(Queued queued);
  void Begin(const JobPtr& job);
  void Go(const JobPtr& job, Step step);
  void Request(const JobPtr& job);
  void FailWithoutToken(const JobPtr& job, const Error& error);
  void Perform(const JobPtr& job, access::HttpAccess::Options options);
  // Sends within what is left of the job's time.
  void StartRequest(const JobPtr& job, http::ClientRequest request,
                    std::function<void(Answer)> then);
  // Hands the work to the pool; its end comes back by blocked_.
  void Block(const JobPtr& job, Blocking step);
  void FinishBlocked();
  void Finish(const JobPtr& job, Finished finished);
  // The next of its lane may begin.
  void LeaveLane(const Job& job);
  [[nodiscard]] Answer InOwnWords(const Job& job, Answer answer) const;

  const Options options_;
  std::unique_ptr<http::AsyncClient> client_;
  Guarded<std::shared_ptr<World>> world_;
  std::atomic<bool> stopping_{false};

  Mutex mutex_;
  std::vector<Queued> queue_ GUARDED_BY(mutex_);
  // What the pool has done and nobody has heard of yet.
  std::vector<std::pair<JobPtr, Finished>> blocked_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;

  // State below belongs to the notifier's thread.
  std::map<const Sender*, Lane> lanes_;
  std::deque<JobPtr> ready_;  // left the queues of their lanes

  BlockingPool pool_;
  std::jthread thread_;
};

}  // namespace vigil::notify
