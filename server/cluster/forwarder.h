// SPDX-License-Identifier: Apache-2.0
// Passes requests on to the leader, bounded in number, size and time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"
#include "client-lib/http/client.h"
#include "client-lib/http/message.h"
#include "exporters/toolkit/metric_sink.h"

namespace vigil::cluster {

// What the client should do: come back in a second.
http::Response TryAgain(const std::string& sentence);

// One thread does all transfers, over connections that are kept. Threads: any.
class Forwarder {
 public:
  struct Options {
    std::string self;    // this server's name
    std::string prefix;  // of this server's routes: "" or "/a/b"
    std::shared_ptr<const http::ClientOptions> client;
    int64_t timeout_ms = 130'000;                // of a whole request
    size_t max_answer_bytes = size_t{64} << 20;  // larger answers are 502
    int64_t max_requests = 32;                   // more at a time are 503
  };
  explicit Forwarder(Options options);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // leader_url: see RequestToLeader. Waits for the answer; a leader that gives none is 503 with
  // Retry-After when the request can be made again without harm, else 504 (too slow) or 502.
  http::Response Forward(http::Request& request, const std::string& leader_url);
  // What is under way has no answer, and nothing more is passed on: the leader is being replaced,
  // or this server stops.
  void Close();
  // Passes requests on again: the leader was not replaced.
  void Reopen();
  void Collect(toolkit::MetricSink* sink) const;

 private:
  using Answer = Result<http::ClientResponse>;
  struct Job {
    http::ClientRequest request;
    std::promise<Answer> answer;
  };
  struct Inbox {
    std::vector<Job> jobs;
    bool cancel = false;
    bool closed = false;
  };

  http::Response Pass(http::ClientRequest request, const std::string& leader_url);
  void Run(const std::stop_token& stop);
  void Begin(Job job);

  const Options options_;
  std::set<http::AsyncClient::RequestId> under_way_;  // of the thread
  const std::unique_ptr<http::AsyncClient> client_;
  Guarded<Inbox> inbox_;
  std::atomic<int64_t> running_{0};
  std::array<std::atomic<uint64_t>, 6> by_class_{};  // answers by hundreds of their status
  std::atomic<uint64_t> failures_{0};
  std::atomic<uint64_t> refused_{0};
  std::jthread thread_;  // last: it uses all above
};

}  // namespace vigil::cluster
