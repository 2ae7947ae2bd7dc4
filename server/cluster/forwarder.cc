// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/forwarder.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "server/cluster/forwarding.h"

namespace vigil::cluster {
namespace {

constexpr int64_t kPollMs = 60'000;

bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

// A request that the leader may have carried out is the client's to repeat, or not.
http::Response NoAnswer(const Error& error, std::string_view method,
                        const std::string& leader_url) {
  const std::string sentence = "the leader at " + leader_url + " did not answer: " + error.message;
  const bool not_connected = error.message.find("dial tcp") != std::string::npos;
  switch (error.kind) {
    case ErrorKind::kTimeout:
      return http::Response::Text(504, sentence + "\n");
    case ErrorKind::kCanceled:  // not begun
      return TryAgain(sentence);
    case ErrorKind::kUnavailable:
      if (not_connected || IsIdempotent(method)) return TryAgain(sentence);
      break;
    default:
      break;
  }
  return http::Response::Text(502, sentence + "\n");
}

}  // namespace

http::Response TryAgain(const std::string& sentence) {
  http::Response response = http::Response::Text(503, sentence + "\n");
  response.headers.Set("Retry-After", "1");
  return response;
}

Forwarder::Forwarder(Options options)
    : options_(std::move(options)),
      client_(http::AsyncClient::Create()),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Forwarder::~Forwarder() {
  thread_.request_stop();
  client_->Wake();
  thread_.join();
}

void Forwarder::Run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), "forward");
  while (!stop.stop_requested()) {
    Inbox inbox = inbox_.With([](Inbox& waiting) {
      return Inbox{std::exchange(waiting.jobs, {}), std::exchange(waiting.cancel, false)};
    });
    // Jobs that are there beside it came after Reopen.
    if (inbox.cancel) {
      const std::set<http::AsyncClient::RequestId> ids = under_way_;
      for (const http::AsyncClient::RequestId id : ids) client_->Cancel(id);
    }
    for (Job& job : inbox.jobs) Begin(std::move(job));
    client_->Poll(kPollMs);
  }
}

void Forwarder::Begin(Job job) {
  auto answer = std::make_shared<std::promise<Answer>>(std::move(job.answer));
  auto mine = std::make_shared<http::AsyncClient::RequestId>(0);
  auto ended = std::make_shared<bool>(false);
  const http::AsyncClient::RequestId id =
      client_->Start(std::move(job.request), [=, this](Answer got, const std::string&) {
        *ended = true;
        under_way_.erase(*mine);
        // Unlike a job that was not begun, the leader may have it.
        if (!got && got.error().kind == ErrorKind::kCanceled) {
          got = Unavailable("it is being replaced");
        }
        answer->set_value(std::move(got));
      });
  *mine = id;
  if (!*ended) under_way_.insert(id);
}

void Forwarder::Close() {
  std::vector<Job> not_begun = inbox_.With([](Inbox& waiting) {
    waiting.cancel = waiting.closed = true;
    return std::exchange(waiting.jobs, {});
  });
  for (Job& job : not_begun) job.answer.set_value(Canceled("it is being replaced"));
  client_->Wake();
}

void Forwarder::Reopen() {
  inbox_.With([](Inbox& waiting) { waiting.closed = false; });
}

http::Response Forwarder::Forward(http::Request& request, const std::string& leader_url) {
  auto prepared = RequestToLeader(request, leader_url, options_.prefix, options_.self);
  if (!prepared) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    const Error& error = prepared.error();
    if (error.kind == ErrorKind::kUnavailable) return TryAgain(error.message);
    return http::Response::Text(error.kind == ErrorKind::kNotFound ? 404 : 400,
                                error.message + "\n");
  }
  // A leader that hangs must not take the threads that answer /-/healthy.
  http::Response response;
  if (running_.fetch_add(1) < options_.max_requests) {
    response = Pass(*std::move(prepared), leader_url);
  } else {
    refused_.fetch_add(1, std::memory_order_relaxed);
    response = TryAgain("too many requests are on their way to the leader at " + leader_url);
  }
  running_.fetch_sub(1);
  return response;
}

http::Response Forwarder::Pass(http::ClientRequest request, const std::string& leader_url) {
  request.options = options_.client;
  request.timeout_ms = options_.timeout_ms;
  request.max_body_bytes = options_.max_answer_bytes;
  const std::string method = request.method;
  Job job{std::move(request), {}};
  std::future<Answer> promised = job.answer.get_future();
  const bool taken = inbox_.With([&](Inbox& waiting) {
    if (!waiting.closed) waiting.jobs.push_back(std::move(job));
    return !waiting.closed;
  });
  if (!taken) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return TryAgain("the leader at " + leader_url + " is being replaced, or this server stops");
  }
  client_->Wake();
  auto answer = promised.get();
  if (!answer) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    return NoAnswer(answer.error(), method, leader_url);
  }
  const auto hundreds = static_cast<size_t>(std::clamp(answer->status / 100, 0, 5));
  by_class_[hundreds].fetch_add(1, std::memory_order_relaxed);
  return AnswerOfLeader(*std::move(answer));
}

void Forwarder::Collect(toolkit::MetricSink* sink) const {
  using Type = toolkit::MetricSink::MetricType;
  const auto forwarded = sink->Family(
      "vigil_cluster_forwarded_requests_total",
      "Requests that this server passed on to the leader, by the answer's status.", Type::kCounter);
  for (size_t i = 1; i < by_class_.size(); ++i) {
    const std::string code = std::to_string(i) + "xx";
    sink->Add(forwarded, {{"code", code}}, static_cast<double>(by_class_[i].load()));
  }
  sink->Counter("vigil_cluster_forward_failures_total",
                "Requests that were passed on and got no answer from the leader.",
                static_cast<double>(failures_.load()));
  sink->Counter("vigil_cluster_forward_refused_total",
                "Requests that were not passed on: too many at a time, or passed on already.",
                static_cast<double>(refused_.load()));
}

}  // namespace vigil::cluster
