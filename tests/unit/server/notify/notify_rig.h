// SPDX-License-Identifier: Apache-2.0
// What tests of receivers share: a configuration, an HttpNotifier with a client that answers what
// the test says, and a group of alerts.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/base/clock.h"
#include "server/alerting/config_loader.h"
#include "server/notify/http_notifier.h"
#include "tests/support/fake_async_client.h"

namespace vigil::notify {

// 2026-02-03T04:05:06Z
inline constexpr TimestampMs kRigNow = 1'770'091'506'000;

// How a try ended.
struct RigResult {
  SendOutcome outcome;
  StringMap receiver_data;
};

class NotifyRig {
 public:
  NotifyRig() : NotifyRig(std::make_unique<testing_support::FakeAsyncClient>()) {}

  // `block` is the receiver's list: "webhook_configs: [{url: ...}]".
  void Configure(const std::string& block, const std::string& top = "") {
    const std::string text =
        top + "\nroute: {receiver: team.a}\nreceivers:\n- name: team.a\n  " + block + "\n";
    auto config = alerting::LoadAlertingText(text, "alertmanager.yml");
    ASSERT_TRUE(config) << config.error().message;
    config_ = std::make_shared<const alerting::AlertingConfig>(std::move(*config));
    const auto applied = notifier.Apply(config_);
    ASSERT_TRUE(applied) << applied.error().message;
  }

  static Labels MakeLabels(const std::vector<std::pair<std::string, std::string>>& pairs) {
    LabelsBuilder builder;
    for (const auto& [name, value] : pairs) builder.Set(name, value);
    return builder.Build();
  }

  static alerting::AlertPtr MakeAlert(std::vector<std::pair<std::string, std::string>> labels,
                                      std::vector<std::pair<std::string, std::string>> annotations,
                                      bool firing = true) {
    auto alert = std::make_shared<alerting::Alert>();
    alert->labels = MakeLabels(labels);
    alert->annotations = MakeLabels(annotations);
    alert->generator_url = "http://prometheus.example/graph?g0.expr=up&g0.tab=1";
    alert->starts_at = kRigNow - 60'000;
    alert->ends_at = firing ? kRigNow + 240'000 : kRigNow - 1'000;
    alert->fingerprint = alerting::Fingerprint(alert->labels);
    return alert;
  }

  // Two alerts of one group; the first has further labels.
  static std::vector<alerting::AlertPtr> TwoAlerts(
      bool first_fires, bool second_fires,
      std::vector<std::pair<std::string, std::string>> labels = {}) {
    labels.emplace_back("alertname", "Down");
    labels.emplace_back("job", "db");
    labels.emplace_back("instance", "a:1");
    return {MakeAlert(std::move(labels), {{"summary", "a <b> & \"c\""}}, first_fires),
            MakeAlert({{"alertname", "Down"}, {"job", "db"}, {"instance", "b:1"}},
                      {{"summary", "a <b> & \"c\""}, {"runbook", "http://run.example/x"}},
                      second_fires)};
  }

  static alerting::Outgoing Group(std::vector<alerting::AlertPtr> alerts, const std::string& type) {
    alerting::Outgoing out;
    out.id = 7;
    out.integration = {"team.a", type, 0, true};
    out.reason = alerting::NotifyReason::kFirst;
    out.group_key = "{}:{alertname=\"Down\"}";
    out.group_labels = MakeLabels({{"alertname", "Down"}});
    out.alerts = std::move(alerts);
    out.now = kRigNow;
    out.deadline = kRigNow + 300'000;
    return out;
  }

  // What the service answers to each request, in turn; the last one to all that follow.
  void Answer(int status, std::string body, std::string content_type = "text/plain") {
    http::ClientResponse response;
    response.status = status;
    response.content_type = content_type;
    response.headers.Set("Content-Type", std::move(content_type));
    response.body = std::move(body);
    answers_.emplace_back(std::move(response));
  }
  // Of the last answer.
  void AnswerHeader(std::string name, std::string value) {
    answers_.back()->headers.Set(std::move(name), std::move(value));
  }
  void AnswerError(Error error) { answers_.emplace_back(std::move(error)); }

  // Requests stay on their way.
  void HoldAnswers() { client_->answer = nullptr; }
  void GiveAnswers() {
    client_->answer = [this](const http::ClientRequest&) { return NextAnswer(); };
  }

  // One try from its beginning to its end; nothing when it did not end.
  std::optional<RigResult> Try(alerting::Outgoing message) {
    std::optional<RigResult> result;
    notifier.Send(std::move(message), [&](uint64_t, SendOutcome outcome, StringMap receiver_data) {
      EXPECT_FALSE(result) << "done was called twice";
      result = RigResult{std::move(outcome), std::move(receiver_data)};
    });
    for (int i = 0; i < 10 && !result; ++i) notifier.RunOnceForTest();
    return result;
  }
  // The same for a message of the type that must be sent.
  void TrySent(const std::string& type, bool first_fires = true, bool second_fires = true) {
    const auto result = Try(Group(TwoAlerts(first_fires, second_fires), type));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->outcome.error, "");
    EXPECT_EQ(result->outcome.verdict, SendVerdict::kSent);
  }

  [[nodiscard]] const std::vector<http::ClientRequest>& requests() const {
    return client_->started;
  }
  [[nodiscard]] const http::ClientRequest& last() const { return client_->started.back(); }

  ManualClock clock{kRigNow};

 private:
  explicit NotifyRig(std::unique_ptr<testing_support::FakeAsyncClient> client)
      : client_(client.get()),
        notifier(
            {.external_url = "http://vigil.example", .user_agent = "Vigil/test", .clock = &clock},
            std::move(client)) {
    GiveAnswers();
  }

  Result<http::ClientResponse> NextAnswer() {
    if (answers_.empty()) {
      http::ClientResponse response;
      response.status = 200;
      return response;
    }
    const size_t i = std::min(next_++, answers_.size() - 1);
    return answers_[i];
  }

  testing_support::FakeAsyncClient* client_;
  std::shared_ptr<const alerting::AlertingConfig> config_;
  std::vector<Result<http::ClientResponse>> answers_;
  size_t next_ = 0;

 public:
  HttpNotifier notifier;
};

}  // namespace vigil::notify
