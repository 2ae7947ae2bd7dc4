// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/drill.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "client-lib/base/strings.h"

namespace vigil::alerting {
namespace {

// Notifiers keep to the deadline themselves: this is for those that do not.
constexpr DurationMs kAnswerGraceMs = 5'000;
// Of a whole drill: whoever waits for it, the server's end too, waits no longer.
constexpr DurationMs kMaxDrillTotalMs = 60'000;
constexpr DurationMs kTestAlertLifeMs = 300'000;

// Answers arrive on other threads, perhaps after everybody has gone home.
// Threads: any.
class DrillAnswers {
 public:
  explicit DrillAnswers(size_t count) : answers_(count) {}

  void Take(size_t index, SendOutcome outcome, TimestampMs now) {
    const std::lock_guard lock(mutex_);
    answers_[index].emplace(std::move(outcome), now);
    ++arrived_;
    changed_.notify_all();
  }

  // All that have come in time; their outcomes and times.
  std::vector<std::optional<std::pair<SendOutcome, TimestampMs>>> Await(
      DurationMs timeout, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, std::chrono::milliseconds(timeout),
                      [this] { return arrived_ == answers_.size(); });
    return answers_;
  }

 private:
  std::mutex mutex_;  // condition variables need the bare one
  std::condition_variable_any changed_;
  // Protected by mutex_.
  std::vector<std::optional<std::pair<SendOutcome, TimestampMs>>> answers_;
  size_t arrived_ = 0;
};

Labels LabelsOf(const StringMap& map) {
  std::vector<LabelView> pairs;
  for (const auto& [name, value] : map) pairs.push_back({name, value});
  return Labels::Of(std::move(pairs));
}

std::shared_ptr<Alert> TestAlert(const DrillRequest& request, TimestampMs now) {
  StringMap labels = {{"alertname", "VigilTest"}};
  StringMap annotations = {
      {"summary", "Test of receiver " + Quote(request.receiver) + ": nothing is wrong"}};
  for (const auto& [name, value] : request.labels) labels[name] = value;
  for (const auto& [name, value] : request.annotations) annotations[name] = value;
  auto alert = std::make_shared<Alert>();
  alert->labels = LabelsOf(labels);
  alert->annotations = LabelsOf(annotations);
  alert->starts_at = now;
  alert->updated_at = now;
  alert->ends_at = now + kTestAlertLifeMs;
  alert->fingerprint = Fingerprint(alert->labels);
  return alert;
}

// One round of messages, all at once.
std::vector<DrillResult> SendAll(const DrillRequest& request,
                                 const std::vector<Integration>& integrations,
                                 const std::shared_ptr<Alert>& alert, bool firing,
                                 Notifier& notifier, const Clock& clock,
                                 const std::stop_token& stop) {
  const TimestampMs began = clock.Now();
  const DurationMs timeout =
      std::min(request.timeout, kMaxDrillTotalMs / (request.resolve ? 2 : 1) - kAnswerGraceMs);
  const auto answers = std::make_shared<DrillAnswers>(integrations.size());
  for (size_t i = 0; i < integrations.size(); ++i) {
    Outgoing message;
    message.id = i;
    message.integration = integrations[i];
    message.reason = firing ? NotifyReason::kFirst : NotifyReason::kAllResolved;
    // The same for both rounds, and no group of a route has it.
    message.group_key =
        "drill/" + request.receiver + ":{alertname=" + Quote(alert->labels.Get("alertname")) + "}";
    message.group_labels = Labels::Of({{"alertname", alert->labels.Get("alertname")}});
    message.alerts = {alert};
    message.now = began;
    message.deadline = began + timeout;
    notifier.Send(std::move(message),
                  [answers, &clock](uint64_t id, SendOutcome outcome, const StringMap&) {
                    answers->Take(static_cast<size_t>(id), std::move(outcome), clock.Now());
                  });
  }
  const auto arrived = answers->Await(timeout + kAnswerGraceMs, stop);
  std::vector<DrillResult> results;
  for (size_t i = 0; i < integrations.size(); ++i) {
    DrillResult result{integrations[i], firing, {}, clock.Now() - began};
    if (arrived[i]) {
      result.outcome = arrived[i]->first;
      result.took = arrived[i]->second - began;
    } else {
      result.outcome.verdict = SendVerdict::kRetry;
      result.outcome.error = stop.stop_requested()
                                 ? "no answer yet, and the server is being stopped"
                                 : "no answer in time";
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace

Result<std::vector<Integration>> IntegrationsOf(std::string_view receiver,
                                                const AlertingConfig& config) {
  for (const ReceiverConfig& each : config.receivers) {
    if (each.name == receiver) return ListIntegrations({each})[each.name];
  }
  return NotFound("there is no receiver " + Quote(receiver));
}

std::vector<DrillResult> RunDrill(const DrillRequest& request,
                                  const std::vector<Integration>& integrations, Notifier& notifier,
                                  const Clock& clock, const std::stop_token& stop) {
  const std::shared_ptr<Alert> alert = TestAlert(request, clock.Now());
  std::vector<DrillResult> results =
      SendAll(request, integrations, alert, true, notifier, clock, stop);
  if (!request.resolve || stop.stop_requested()) return results;
  std::vector<Integration> told;
  for (const DrillResult& result : results) {
    const bool sent = result.outcome.verdict == SendVerdict::kSent;
    if (sent && result.integration.send_resolved) told.push_back(result.integration);
  }
  // The alert of the first round may still be looked at: this is another.
  auto over = std::make_shared<Alert>(*alert);
  over->ends_at = clock.Now();
  for (DrillResult& result : SendAll(request, told, over, false, notifier, clock, stop)) {
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace vigil::alerting
