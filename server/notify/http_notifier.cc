// SPDX-License-Identifier: Apache-2.0
#include "server/notify/http_notifier.h"

#include <algorithm>
#include <utility>

#include "client-lib/model/duration.h"
#include "server/notify/text_limits.h"

namespace vigil::notify {
namespace {

constexpr int64_t kPollMs = 1'000;
// Services answer in a few words; what is more is not read.
constexpr size_t kMaxAnswerBytes = 16 << 20;
// They begin as they are needed: a mail server that hangs takes two of them, whoever uses it.
constexpr size_t kBlockingThreads = 64;
constexpr int64_t kTokenTimeoutMs = 30'000;
constexpr size_t kMaxErrorBytes = 2048;  // services may answer whole pages
constexpr const char* kStopping = "the server is stopping";

SendOutcome Outcome(SendVerdict verdict, std::string error) {
  SendOutcome outcome;
  outcome.verdict = verdict;
  outcome.error = std::move(error);
  return outcome;
}

}  // namespace

HttpNotifier::HttpNotifier(Options options)
    : HttpNotifier(std::move(options), http::AsyncClient::Create()) {}

HttpNotifier::HttpNotifier(Options options, std::unique_ptr<http::AsyncClient> client)
    : options_(std::move(options)), client_(std::move(client)), pool_(kBlockingThreads) {}

HttpNotifier::~HttpNotifier() { Stop(); }

void HttpNotifier::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

void HttpNotifier::Stop() {
  std::vector<Queued> left;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    left.swap(queue_);
  }
  for (Queued& queued : left) {
    queued.done(queued.message.id, Outcome(SendVerdict::kRetry, kStopping), {});
  }
  if (stopping_.exchange(true)) return;
  if (thread_.joinable()) {
    thread_.request_stop();
    client_->Wake();
    thread_.join();
  }
  pool_.Stop();
  FinishBlocked();
  // What is under way is answered by the client's end.
  client_.reset();
  for (auto& [sender, lane] : lanes_) {
    ready_.insert(ready_.end(), lane.waiting.begin(), lane.waiting.end());
    lane.waiting.clear();
  }
  for (const JobPtr& job : std::exchange(ready_, {})) {
    Finish(job, {Outcome(SendVerdict::kRetry, kStopping), {}});
  }
}

void HttpNotifier::Send(alerting::Outgoing message, Done done) {
  const uint64_t id = message.id;
  {
    const MutexLock lock(mutex_);
    if (!closed_) {
      queue_.push_back({std::move(message), std::move(done), world_.Copy()});
      client_->Wake();
      return;
    }
  }
  done(id, Outcome(SendVerdict::kRetry, kStopping), {});
}

std::shared_ptr<access::SharedAccess> HttpNotifier::AccessOf(
    const config::HttpClientConfig& http) const {
  return std::make_shared<access::SharedAccess>(access::HttpAccess(http, *options_.clock),
                                                options_.user_agent);
}

Result<void> HttpNotifier::Apply(std::shared_ptr<const alerting::AlertingConfig> config) {
  auto world = std::make_shared<World>();
  world->templates =
      TRY(Templates::Load(config->templates, options_.external_url, *options_.clock));
  const ReceiverContext context{world->templates, *options_.clock};
  for (const alerting::ReceiverConfig& receiver : config->receivers) {
    for (const ReceiverType& type : ReceiverTypes()) {
      std::vector<Made> made = type.make(receiver, context);
      for (size_t i = 0; i < made.size(); ++i) {
        const alerting::Integration integration{receiver.name, std::string(type.name), i};
        world->senders.emplace(alerting::IntegrationKey(integration),
                               Sender{std::move(made[i].receiver), AccessOf(made[i].http)});
      }
    }
  }
  world_.Set(std::move(world));
  return Ok();
}

void HttpNotifier::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) RunOnce(kPollMs);
}

void HttpNotifier::RunOnce(int64_t max_wait_ms) {
  FinishBlocked();
  StartQueued();
  client_->Poll(max_wait_ms);
}

void HttpNotifier::StartQueued() {
  std::vector<Queued> batch;
  {
    const MutexLock lock(mutex_);
    batch.swap(queue_);
  }
  for (Queued& queued : batch) Take(std::move(queued));
  while (!ready_.empty()) {
    const JobPtr job = std::move(ready_.front());
    ready_.pop_front();
    Begin(job);
  }
}

void HttpNotifier::Take(Queued queued) {
  auto job = std::make_shared<Job>();
  job->id = queued.message.id;
  job->type = queued.message.integration.type;
  job->done = std::move(queued.done);
  job->world = std::move(queued.world);
  job->deadline = queued.message.deadline;
  const std::string key = alerting::IntegrationKey(queued.message.integration);
  const auto found = job->world == nullptr ? std::map<std::string, Sender>::iterator()
                                           : job->world->senders.find(key);
  if (job->world == nullptr || found == job->world->senders.end()) {
    Finish(job, {Outcome(SendVerdict::kFinal, "there is no integration " + key), {}});
    return;
  }
  job->sender = &found->second;
  job->message = std::move(queued.message);
  Lane& lane = lanes_[job->sender];
  if (lane.running >= job->sender->receiver->max_at_once()) {
    lane.waiting.push_back(std::move(job));
  } else {
    ++lane.running;
    ready_.push_back(std::move(job));
  }
}

void HttpNotifier::Begin(const JobPtr& job) {
  job->begun = true;
  const DurationMs timeout = job->sender->receiver->timeout();
  const TimestampMs now = options_.clock->Now();
  if (timeout > 0 && now + timeout < job->deadline) {
    job->deadline = now + timeout;
    job->own_timeout = timeout;
  }
  auto message = MakeMessage(std::move(job->message), job->world->templates);
  if (!message) {
    Finish(job, {Outcome(SendVerdict::kFinal, message.error().message), {}});
    return;
  }
  job->delivery = job->sender->receiver->Begin(std::move(message).value());
  Go(job, job->delivery->Next(nullptr));
}

void HttpNotifier::Go(const JobPtr& job, Step step) {
  if (auto* finished = std::get_if<Finished>(&step)) {
    Finish(job, std::move(*finished));
    return;
  }
  if (auto* blocking = std::get_if<Blocking>(&step)) {
    Block(job, std::move(*blocking));
    return;
  }
  job->request = std::get<http::ClientRequest>(std::move(step));
  Request(job);
}

void HttpNotifier::Block(const JobPtr& job, Blocking step) {
  pool_.Submit([this, job, work = std::move(step.work)](const std::stop_token& stop) {
    const int64_t left = job->deadline - options_.clock->Now();
    Finished finished{Outcome(SendVerdict::kRetry, "context deadline exceeded"), {}};
    if (left > 0) finished = work(left, stop);
    if (stop.stop_requested() && finished.outcome.verdict != SendVerdict::kSent) {
      finished = {Outcome(SendVerdict::kRetry, kStopping), {}};
    }
    const MutexLock lock(mutex_);
    blocked_.emplace_back(job, std::move(finished));
    client_->Wake();
  });
}

void HttpNotifier::FinishBlocked() {
  std::vector<std::pair<JobPtr, Finished>> done;
  {
    const MutexLock lock(mutex_);
    done.swap(blocked_);
  }
  for (auto& [job, finished] : done) Finish(job, std::move(finished));
}

// The job's request, a token first where one is needed: one is fetched for all of its lane.
void HttpNotifier::Request(const JobPtr& job) {
  if (stopping_) {
    Finish(job, {Outcome(SendVerdict::kRetry, kStopping), {}});
    return;
  }
  const int64_t left = job->deadline - options_.clock->Now();
  job->sender->access->Ask(client_.get(), std::min(kTokenTimeoutMs, left),
                           [this, job](access::SharedAccess::Options options) {
                             if (options) {
                               Perform(job, std::move(options).value());
                             } else {
                               FailWithoutToken(job, options.error());
                             }
                           });
}

void HttpNotifier::FailWithoutToken(const JobPtr& job, const Error& error) {
  if (stopping_) {
    Finish(job, {Outcome(SendVerdict::kRetry, kStopping), {}});
    return;
  }
  // Credentials may be put right, and files appear, before the deadline.
  Finish(job, {Outcome(SendVerdict::kRetry, JudgeTransport(error).error), {}});
}

void HttpNotifier::Perform(const JobPtr& job, access::HttpAccess::Options options) {
  http::ClientRequest request = std::move(job->request);
  request.timeout_ms = INT64_MAX;
  request.options = std::move(options);
  if (!request.headers.Has("User-Agent")) request.headers.Set("User-Agent", options_.user_agent);
  const access::HttpAccess::Options sent = request.options;
  StartRequest(job, std::move(request), [this, job, sent](Answer answer) {
    if (answer && answer->status == 401) job->sender->access->DropToken(sent->authorization);
    answer = InOwnWords(*job, std::move(answer));
    Go(job, job->delivery->Next(&answer));
  });
}

void HttpNotifier::StartRequest(const JobPtr& job, http::ClientRequest request,
                                std::function<void(Answer)> then) {
  if (stopping_) {
    Finish(job, {Outcome(SendVerdict::kRetry, kStopping), {}});
    return;
  }
  const int64_t left = job->deadline - options_.clock->Now();
  if (left <= 0) {
    // Told like an answer, so that the receiver says what it means.
    then(Timeout("context deadline exceeded"));
    return;
  }
  request.timeout_ms = std::min(request.timeout_ms, left);
  if (request.max_body_bytes == 0) request.max_body_bytes = kMaxAnswerBytes;
  client_->Start(std::move(request),
                 [this, job, then = std::move(then)](Answer answer, const std::string&) {
                   // What was answered was answered, even now.
                   if (stopping_ && !answer) {
                     Finish(job, {Outcome(SendVerdict::kRetry, kStopping), {}});
                   } else {
                     then(std::move(answer));
                   }
                 });
}

// Whose patience ended, when it was that of the type.
Answer HttpNotifier::InOwnWords(const Job& job, Answer answer) const {
  if (answer || answer.error().kind != ErrorKind::kTimeout || job.own_timeout == 0) return answer;
  return Timeout(answer.error().message + ": configured " + job.type + " timeout reached (" +
                 FormatGoDuration(job.own_timeout) + ")");
}

void HttpNotifier::LeaveLane(const Job& job) {
  const auto lane = lanes_.find(job.sender);
  if (lane == lanes_.end()) return;
  --lane->second.running;
  if (lane->second.waiting.empty()) {
    if (lane->second.running == 0) lanes_.erase(lane);
    return;
  }
  ++lane->second.running;
  ready_.push_back(std::move(lane->second.waiting.front()));
  lane->second.waiting.pop_front();
}

void HttpNotifier::Finish(const JobPtr& job, Finished finished) {
  if (job->begun) LeaveLane(*job);
  if (finished.outcome.error.size() > kMaxErrorBytes) {
    finished.outcome.error = TruncateInBytes(finished.outcome.error, kMaxErrorBytes).text;
  }
  job->done(job->id, std::move(finished.outcome), std::move(finished.receiver_data));
}

}  // namespace vigil::notify
