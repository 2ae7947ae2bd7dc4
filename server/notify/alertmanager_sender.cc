// SPDX-License-Identifier: Apache-2.0
#include "server/notify/alertmanager_sender.h"

#include <algorithm>
#include <utility>

#include "client-lib/base/log.h"
#include "client-lib/http/message.h"
#include "client-lib/model/duration.h"
#include "server/notify/json_writer.h"

namespace vigil::notify {
namespace {

constexpr int64_t kSenderPollMs = 1'000;
constexpr size_t kMaxSenderAnswer = 1 << 20;
constexpr int64_t kMaxDrainMs = 10'000;
constexpr const char* kSigningName = "aps";  // Amazon's managed Prometheus

void WriteLabels(const Labels& labels, JsonWriter* json) {
  json->BeginObject();
  for (const LabelView& label : labels) json->Field(label.name, label.value);
  json->EndObject();
}

// Why a request was no success; empty when it was.
std::string Problem(const Result<http::ClientResponse>& answer) {
  if (!answer) return answer.error().message;
  if (answer->status / 100 == 2) return {};
  return "bad response status " + std::to_string(answer->status) + " " +
         std::string(http::StatusText(answer->status));
}

}  // namespace

std::string PostableAlertJson(const Labels& labels, const alerting::PostedAlert& alert) {
  JsonWriter json;
  json.BeginObject();
  json.Key("annotations");
  WriteLabels(alert.annotations, &json);
  if (alert.ends_at) json.Field("endsAt", FormatRfc3339(*alert.ends_at));
  if (alert.starts_at) json.Field("startsAt", FormatRfc3339(*alert.starts_at));
  json.FieldIfAny("generatorURL", alert.generator_url);
  json.Key("labels");
  WriteLabels(labels, &json);
  json.EndObject();
  return json.Take();
}

AlertmanagerSender::AlertmanagerSender(Options options)
    : AlertmanagerSender(std::move(options), http::AsyncClient::Create()) {}

AlertmanagerSender::AlertmanagerSender(Options options, std::unique_ptr<http::AsyncClient> client)
    : options_(std::move(options)), client_(std::move(client)) {}

AlertmanagerSender::~AlertmanagerSender() { Stop(); }

void AlertmanagerSender::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

void AlertmanagerSender::Stop() {
  if (stopped_.exchange(true)) return;
  if (thread_.joinable()) {
    thread_.request_stop();
    client_->Wake();
    thread_.join();
  }
  if (options_.drain_on_stop) Drain();
  size_t left = 0;
  for (const auto& [url, stats] : stats()) left += stats.queue_length;
  if (left > 0) log::Warn("notify", "alerts were not sent before the end", {{"alerts", left}});
  // Taken under the lock, so that Post does not wake a client that is gone; its end answers what is
  // under way.
  std::unique_ptr<http::AsyncClient> client;
  {
    const MutexLock lock(mutex_);
    client = std::move(client_);
  }
}

AlertmanagerSender::AccessPtr AlertmanagerSender::AccessOf(const AlertmanagerSet& set,
                                                           const std::vector<Set>& before) const {
  for (const Set& known : before) {
    if (set.http != nullptr && known.config.http == set.http) return known.access;
  }
  const auto config = set.http == nullptr ? config::HttpClientConfig() : *set.http;
  return std::make_shared<access::SharedAccess>(access::HttpAccess(config, *options_.clock),
                                                options_.user_agent);
}

void AlertmanagerSender::SetAlertmanagers(std::vector<AlertmanagerSet> sets) {
  const MutexLock lock(mutex_);
  std::map<std::string, std::shared_ptr<Target>> before = std::exchange(state_.targets, {});
  const std::vector<Set> sets_before = std::exchange(state_.sets, {});
  for (AlertmanagerSet& set : sets) {
    for (const std::string& url : set.urls) {
      const auto found = before.find(url);
      auto target = found == before.end() ? std::make_shared<Target>() : found->second;
      // The first set that has the URL keeps it.
      if (!state_.targets.emplace(url, target).second) continue;
      target->set = state_.sets.size();
      if (target->sigv4 == set.sigv4) continue;
      target->sigv4 = set.sigv4;
      target->signer = set.sigv4 == nullptr
                           ? nullptr
                           : std::make_shared<AwsCredentialSource>(*set.sigv4, *options_.clock);
    }
    AccessPtr access = AccessOf(set, sets_before);
    state_.sets.push_back({std::move(set), std::move(access)});
  }
}

void AlertmanagerSender::Enqueue(Target* target, AlertText alert) {
  if (target->queue.size() >= options_.queue_capacity) {
    target->queue.pop_front();
    ++target->stats.dropped;
  }
  target->queue.push_back(std::move(alert));
}

// The alert as each set gets it; null: not at all. One text for all sets without rules of their
// own.
std::vector<AlertmanagerSender::AlertText> AlertmanagerSender::TextsOf(
    const alerting::PostedAlert& alert) const {
  std::vector<AlertText> texts;
  AlertText plain;
  for (const Set& set : state_.sets) {
    const auto& rules = set.config.alert_relabel_configs;
    if (!rules.empty()) {
      LabelsBuilder labels(alert.labels);
      const bool kept = Relabel(rules, &labels) && !labels.pairs().empty();
      texts.push_back(
          kept ? std::make_shared<const std::string>(PostableAlertJson(labels.Build(), alert))
               : nullptr);
      continue;
    }
    if (plain == nullptr) {
      plain = std::make_shared<const std::string>(PostableAlertJson(alert.labels, alert));
    }
    texts.push_back(plain);
  }
  return texts;
}

Result<void> AlertmanagerSender::Post(const std::vector<alerting::PostedAlert>& alerts) {
  const MutexLock lock(mutex_);
  if (stopped_ || client_ == nullptr) return Unavailable("the server is stopping");
  for (const alerting::PostedAlert& alert : alerts) {
    const std::vector<AlertText> texts = TextsOf(alert);
    for (const auto& [url, target] : state_.targets) {
      if (texts[target->set] != nullptr) Enqueue(target.get(), texts[target->set]);
    }
  }
  client_->Wake();
  return Ok();
}

std::map<std::string, AlertmanagerStats> AlertmanagerSender::stats() const {
  const MutexLock lock(mutex_);
  std::map<std::string, AlertmanagerStats> all;
  for (const auto& [url, target] : state_.targets) {
    AlertmanagerStats stats = target->stats;
    stats.queue_length = target->queue.size();
    all.emplace(url, stats);
  }
  return all;
}

void AlertmanagerSender::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) RunOnce(kSenderPollMs);
}

void AlertmanagerSender::RunOnce(int64_t max_wait_ms) {
  for (Batch& batch : TakeBatches(true)) SendBatch(std::make_shared<const Batch>(std::move(batch)));
  client_->Poll(max_wait_ms);
}

std::vector<AlertmanagerSender::Batch> AlertmanagerSender::TakeBatches(bool also_failed) {
  const MutexLock lock(mutex_);
  std::vector<Batch> batches;
  for (const auto& [url, target] : state_.targets) {
    if (target->busy || target->queue.empty() || (target->failed && !also_failed)) continue;
    const Set& set = state_.sets[target->set];
    Batch batch{url, target, set.access, target->signer, set.config.timeout, {}};
    while (!target->queue.empty() && batch.alerts.size() < options_.batch_size) {
      batch.alerts.push_back(std::move(target->queue.front()));
      target->queue.pop_front();
    }
    target->busy = true;
    batches.push_back(std::move(batch));
  }
  return batches;
}

bool AlertmanagerSender::MaySend(const Batch& batch) {
  if (!options_.may_send || options_.may_send()) return true;
  FinishBatch(batch, Unavailable("another vigil-server has taken the database over"));
  return false;
}

void AlertmanagerSender::SendBatch(const std::shared_ptr<const Batch>& batch) {
  if (!MaySend(*batch)) return;
  batch->access->Ask(client_.get(), batch->timeout,
                     [this, batch](access::SharedAccess::Options options) {
                       if (options) {
                         PostBatch(batch, std::move(options).value());
                       } else {
                         FinishBatch(*batch, std::move(options).error());
                       }
                     });
}

void AlertmanagerSender::PostBatch(const std::shared_ptr<const Batch>& batch,
                                   access::HttpAccess::Options options) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = batch->url;
  request.headers.Set("Content-Type", "application/json");
  request.headers.Set("User-Agent", options_.user_agent);
  request.options = std::move(options);
  request.timeout_ms = batch->timeout;
  request.max_body_bytes = kMaxSenderAnswer;
  request.body = "[";
  for (const AlertText& alert : batch->alerts) {
    if (request.body.size() > 1) request.body += ',';
    request.body += *alert;
  }
  request.body += "]";
  if (batch->signer == nullptr) {
    StartBatch(batch, std::move(request));
  } else {
    SignBatch(batch, std::move(request));
  }
}

void AlertmanagerSender::SignBatch(const std::shared_ptr<const Batch>& batch,
                                   http::ClientRequest request) {
  auto wanted = batch->signer->Request();
  if (!wanted) {
    FinishBatch(*batch, wanted.error());
    return;
  }
  if (*wanted) {
    client_->Start(
        **std::move(wanted),
        [this, batch, request](const Result<http::ClientResponse>& answer, const std::string&) {
          const std::string problem = Problem(answer);
          const Result<void> taken =
              problem.empty() ? batch->signer->Take(*answer) : Result<void>(Unavailable(problem));
          if (taken) {
            SignBatch(batch, request);
          } else {
            FinishBatch(*batch, taken.error().Prefixed("failed to get AWS credentials"));
          }
        });
    return;
  }
  const Result<http::AwsCredentials> keys = batch->signer->Get();
  const Result<std::string> region = batch->signer->Region();
  if (!keys) {
    FinishBatch(*batch, keys.error());
  } else if (!region) {
    FinishBatch(*batch, BadData("region not configured in sigv4 or in default credentials chain"));
  } else {
    http::SignAwsRequest(*keys, *region, kSigningName, options_.clock->Now(), &request);
    StartBatch(batch, std::move(request));
  }
}

void AlertmanagerSender::StartBatch(const std::shared_ptr<const Batch>& batch,
                                    http::ClientRequest request) {
  // Asked again: token and keys may have taken their time.
  if (!MaySend(*batch)) return;
  const access::HttpAccess::Options sent = request.options;
  client_->Start(std::move(request), [this, batch, sent](const Result<http::ClientResponse>& answer,
                                                         const std::string&) {
    if (answer && answer->status == 401) {
      batch->access->DropToken(sent->authorization);
    }
    FinishBatch(*batch, answer);
  });
}

void AlertmanagerSender::FinishBatch(const Batch& batch,
                                     const Result<http::ClientResponse>& answer) {
  const std::string problem = Problem(answer);
  {
    const MutexLock lock(mutex_);
    AlertmanagerStats& stats = batch.target->stats;
    batch.target->busy = false;
    batch.target->failed = !problem.empty();
    ++stats.requests;
    if (answer) stats.total_us += answer->duration_us;
    if (problem.empty()) {
      stats.sent += batch.alerts.size();
    } else {
      stats.errors += batch.alerts.size();
      stats.dropped += batch.alerts.size();
    }
  }
  if (!problem.empty()) {
    log::Error("notify", "Error sending alerts",
               {{"alertmanager", batch.url}, {"count", batch.alerts.size()}, {"err", problem}});
  }
}

void AlertmanagerSender::Drain() {
  {
    // Who failed before may answer now.
    const MutexLock lock(mutex_);
    for (const auto& [url, target] : state_.targets) target->failed = false;
  }
  const auto work_left = [this] {
    const MutexLock lock(mutex_);
    return std::any_of(state_.targets.begin(), state_.targets.end(), [](const auto& entry) {
      const Target& target = *entry.second;
      return target.busy || (!target.queue.empty() && !target.failed);
    });
  };
  // Whoever does not answer now is not waited for a second time.
  const int64_t began_ns = options_.clock->MonotonicNs();
  while (work_left()) {
    const int64_t left_ms = kMaxDrainMs - (options_.clock->MonotonicNs() - began_ns) / 1'000'000;
    if (left_ms <= 0) return;
    for (Batch& batch : TakeBatches(false)) {
      SendBatch(std::make_shared<const Batch>(std::move(batch)));
    }
    client_->Poll(std::min(left_ms, kSenderPollMs));
  }
}

}  // namespace vigil::notify
