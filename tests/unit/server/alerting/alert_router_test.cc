// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alerting/scenarios: a configuration, then what happens when, and what receivers are
// told. Time stands still between the commands and is moved to whatever is due.
//   at 5s post alertname=x job=y [starts=1s] [ends=20s] [ann:name=value]   (several alerts: ;)
//   at 0s show details               (from now on messages say times and annotations, too)
//   at 5s silence ID alertname=x until 60s      at 9s unsilence ID
//   at 5s acknowledge alertname=x
//   at 5s receiver r/webhook/0 fails [429|500|400] [retry-after 30]    at 9s receiver ... works
//   at 5s stop | crash | reload      (state is stored and loaded; a crash loses the groups' timers)
//   at 300s end
#include "server/alerting/alert_router.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "client-lib/base/strings.h"
#include "server/alerting/config_loader.h"
#include "tests/support/memory_state_store.h"
#include "tests/support/script_cases.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kScenarioStart = 1'700'000'000'000;

TimestampMs ScenarioTime(std::string_view text) {
  const Result<DurationMs> offset = ParseGoDuration(text);
  EXPECT_TRUE(offset) << text;
  return kScenarioStart + offset.value();
}

// Threads: owner thread only.
class Scenario {
 public:
  explicit Scenario(const std::string& yaml) {
    Result<AlertingConfig> config = LoadAlertingText(yaml, "a.yml");
    if (!config) {
      out_.push_back("error: " + config.error().message);
      return;
    }
    config_ = std::make_shared<const AlertingConfig>(*std::move(config));
    Create(kScenarioStart);
  }

  void Run(std::string_view line) {
    if (router_ == nullptr) return;
    const std::vector<std::string_view> words = Fields(line);
    const TimestampMs when = ScenarioTime(words[1]);
    while (router_->NextDeadline() < when) Step(router_->NextDeadline());
    now_ = when;
    Store();  // as the service, which looks every second
    Execute(words);
    Store();
    // What is due at the very moment of the command comes after it.
    while (router_->NextDeadline() <= when) Step(when);
  }

  [[nodiscard]] std::vector<std::string> Take() { return std::move(out_); }

 private:
  struct Failure {
    int status = 500;
    std::optional<DurationMs> retry_after;
  };

  void Create(TimestampMs now) {
    AlertRouter::Options options;
    options.silences.new_id = [this] { return std::exchange(next_silence_, "generated"); };
    router_ = std::make_unique<AlertRouter>(config_, options, now);
  }

  void Store() {
    AlertingChanges changes = router_->TakeChanges();
    changes.acknowledgements = std::exchange(acknowledged_, {});
    changes.heartbeats = router_->TakeHeartbeats(now_);
    EXPECT_TRUE(store_.Save(changes));
  }

  void Execute(const std::vector<std::string_view>& words) {
    const std::string_view command = words[2];
    if (command == "post") {
      Post(words);
    } else if (command == "silence") {
      AddSilence(words);
    } else if (command == "unsilence") {
      EXPECT_TRUE(router_->silences().Expire(std::string(words[3]), now_));
    } else if (command == "acknowledge") {
      const size_t equal = words[3].find('=');
      const Labels labels = Labels::Of({{words[3].substr(0, equal), words[3].substr(equal + 1)}});
      acknowledged_.push_back({Fingerprint(labels), now_, "me", ""});
      router_->acknowledgements().Put(acknowledged_.back());
    } else if (command == "receiver") {
      SetReceiver(words);
    } else if (command == "show") {
      details_ = true;
    } else if (command == "reload") {
      router_->Reload(config_, now_);
    } else if (command == "stop" || command == "crash") {
      EXPECT_TRUE(store_.SaveGroups(command == "stop" ? router_->ExportGroups()
                                                      : std::vector<GroupState>()));
      Create(now_);
      router_->Restore(*store_.Load(), now_);
    } else {
      EXPECT_EQ(command, "end");
    }
  }

  void Post(const std::vector<std::string_view>& words) {
    std::vector<PostedAlert> alerts;
    LabelsBuilder labels;
    LabelsBuilder annotations;
    PostedAlert alert;
    const auto flush = [&] {
      alert.labels = labels.Build();
      alert.annotations = annotations.Build();
      // As Prometheus does, which always says when an alert began.
      if (!alert.starts_at) alert.starts_at = std::min(now_, alert.ends_at.value_or(now_));
      alerts.push_back(alert);
      alert = {};
      labels.Reset();
      annotations.Reset();
    };
    for (size_t i = 3; i < words.size(); ++i) {
      const std::string_view word = words[i];
      const size_t equal = word.find('=');
      if (word == ";") {
        flush();
      } else if (word.starts_with("starts=")) {
        alert.starts_at = ScenarioTime(word.substr(7));
      } else if (word.starts_with("ends=")) {
        alert.ends_at = ScenarioTime(word.substr(5));
      } else if (word.starts_with("ann:")) {
        annotations.Set(word.substr(4, equal - 4), word.substr(equal + 1));
      } else {
        labels.Set(word.substr(0, equal), word.substr(equal + 1));
      }
    }
    flush();
    const Result<void> posted = router_->Post(alerts, now_);
    if (!posted) Say("post: " + posted.error().message);
  }

  void AddSilence(const std::vector<std::string_view>& words) {
    Silence silence;
    for (size_t i = 4; i + 2 < words.size(); ++i) {
      silence.matchers.push_back(*ParseClassicMatcher(words[i]));
    }
    silence.ends_at = ScenarioTime(words.back());
    next_silence_ = words[3];
    const Result<std::string> id = router_->silences().Set(silence, now_);
    EXPECT_TRUE(id) << id.error().message;
  }

  void SetReceiver(const std::vector<std::string_view>& words) {
    const std::string key(words[3]);
    if (words[4] == "works") {
      failures_.erase(key);
      return;
    }
    Failure& failure = failures_[key];
    failure = {};
    if (words.size() > 5) failure.status = static_cast<int>(*ParseUint(words[5]));
    if (words.size() > 7) failure.retry_after = ParseRetryAfter(words[7], now_);
  }

  void Step(TimestampMs when) {
    now_ = when;
    for (const Outgoing& message : router_->Advance(when)) Send(message);
    Store();
  }

  void Send(const Outgoing& message) {
    const std::string key = IntegrationKey(message.integration);
    const auto failure = failures_.find(key);
    SendOutcome outcome;
    std::string text = key;
    if (failure != failures_.end()) {
      outcome.verdict = JudgeStatus(failure->second.status, {});
      outcome.retry_after = failure->second.retry_after;
      text += fmt::format(" fails with {}", failure->second.status);
    } else {
      text += fmt::format(" [{}]", NotifyReasonText(message.reason));
      for (const AlertPtr& alert : message.alerts) {
        text += alert->ResolvedAt(message.now) ? " -" : " +";
        text += alert->labels.ToString();
        if (details_) text += Details(*alert, message.now);
      }
    }
    Say(text);
    router_->Sent(message.id, outcome, now_);
  }

  static std::string Details(const Alert& alert, TimestampMs now) {
    std::string text = alert.annotations.empty() ? "" : alert.annotations.ToString();
    text += " from " + FormatGoDuration(alert.starts_at - kScenarioStart);
    if (alert.ResolvedAt(now)) text += " to " + FormatGoDuration(alert.ends_at - kScenarioStart);
    return text;
  }

  void Say(std::string_view text) {
    out_.push_back(fmt::format("{} {}", FormatGoDuration(now_ - kScenarioStart), text));
  }

  std::shared_ptr<const AlertingConfig> config_;
  std::unique_ptr<AlertRouter> router_;
  MemoryStateStore store_;
  std::vector<Acknowledgement> acknowledged_;
  std::map<std::string, Failure> failures_;
  std::string next_silence_;
  bool details_ = false;
  TimestampMs now_ = kScenarioStart;
  std::vector<std::string> out_;
};

std::vector<std::string> RunScenario(const testing_support::ScriptCase& one) {
  std::string yaml;
  std::vector<std::string> commands;
  for (const std::string& line : one.input) {
    if (line.starts_with("at ")) {
      commands.push_back(line);
    } else {
      yaml += line + "\n";
    }
  }
  if (yaml.empty()) {
    yaml =
        "route: {receiver: r, group_wait: 1s, group_interval: 10s, repeat_interval: 1h}\n"
        "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n";
  }
  Scenario scenario(yaml);
  for (const std::string& command : commands) scenario.Run(command);
  return scenario.Take();
}

TEST(AlertRouter, FollowsTheScenarios) {
  testing_support::RunScripts("alerting/scenarios", &RunScenario);
}

TEST(AcceptAlert, FillsInMissingTimes) {
  PostedAlert posted;
  posted.labels = Labels::Of({{"alertname", "a"}});
  Result<Alert> alert = AcceptAlert(posted, 1000, 500);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->starts_at, 1000);
  EXPECT_EQ(alert->ends_at, 1500);
  EXPECT_TRUE(alert->timeout);
  posted.ends_at = 700;
  alert = AcceptAlert(posted, 1000, 500);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->starts_at, 700);
  EXPECT_FALSE(alert->timeout);
  posted.starts_at = 800;
  EXPECT_FALSE(AcceptAlert(posted, 1000, 500));
}

TEST(AlertStore, DropsNewAlertsOfAFullName) {
  AlertStore store(2);
  const auto put = [&](const char* job, TimestampMs ends_at, TimestampMs now) {
    PostedAlert posted;
    posted.labels = Labels::Of({{"alertname", "a"}, {"job", job}});
    posted.starts_at = 0;
    posted.ends_at = ends_at;
    return store.Put(*AcceptAlert(posted, now, 0), now) != nullptr;
  };
  EXPECT_TRUE(put("x", 100, 10));
  EXPECT_TRUE(put("y", 200, 10));
  EXPECT_FALSE(put("z", 200, 10));
  EXPECT_TRUE(put("x", 100, 20));  // a known one
  EXPECT_EQ(store.dropped_by_limit(), 1U);
  EXPECT_TRUE(put("z", 200, 150));  // in place of x, which is over
  EXPECT_EQ(store.size(), 2U);
  EXPECT_EQ(store.CollectGarbage(300).size(), 2U);
  EXPECT_TRUE(put("x", 400, 300));
}

TEST(AlertRouter, LogsWhatWasOutWhenTheConfigurationChanged) {
  auto config = LoadAlertingText(
      "route: {receiver: r, group_wait: 1s}\n"
      "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n",
      "a.yml");
  ASSERT_TRUE(config);
  const auto shared = std::make_shared<const AlertingConfig>(*std::move(config));
  AlertRouter router(shared, {}, kScenarioStart);
  std::vector<PostedAlert> batch(1);
  batch[0].labels = Labels::Of({{"alertname", "a"}});
  ASSERT_TRUE(router.Post(batch, kScenarioStart));
  const std::vector<Outgoing> out = router.Advance(kScenarioStart + 1'000);
  ASSERT_EQ(out.size(), 1U);
  router.Reload(shared, kScenarioStart + 2'000);
  EXPECT_EQ(out[0].route->receiver, "r");  // the old tree lives as long as the message
  router.Sent(out[0].id, {}, kScenarioStart + 2'000);
  EXPECT_EQ(router.log().size(), 1U);
  EXPECT_TRUE(router.Advance(kScenarioStart + 3'000).empty());
}

TEST(AlertRouter, WaitsForAnAnswerFromBeforeAReload) {
  auto config = LoadAlertingText(
      "route: {receiver: r, group_wait: 1s}\n"
      "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n",
      "a.yml");
  ASSERT_TRUE(config);
  const auto shared = std::make_shared<const AlertingConfig>(*std::move(config));
  AlertRouter router(shared, {}, kScenarioStart);
  std::vector<PostedAlert> batch(1);
  batch[0].labels = Labels::Of({{"alertname", "a"}});
  ASSERT_TRUE(router.Post(batch, kScenarioStart));
  const std::vector<Outgoing> out = router.Advance(kScenarioStart + 1'000);
  ASSERT_EQ(out.size(), 1U);
  router.Reload(shared, kScenarioStart + 2'000);
  // Nobody knows what the receiver has: it is not told again before it answers.
  EXPECT_TRUE(router.Advance(kScenarioStart + 4'000).empty());
  router.Sent(out[0].id, {}, kScenarioStart + 4'500, {{"ts", "1"}});
  EXPECT_TRUE(router.Advance(kScenarioStart + 6'000).empty());
  ASSERT_EQ(router.log().size(), 1U);
  EXPECT_EQ(router.log().All()[0].receiver_data.at("ts"), "1");
}

TEST(AlertRouter, CountsItsDelayFromWhereItTookUp) {
  auto config = LoadAlertingText(
      "route: {receiver: r, group_wait: 1s, routes: [{matchers: [a=b], expect_every: 60s}]}\n"
      "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n",
      "a.yml");
  ASSERT_TRUE(config);
  AlertRouter::Options options;
  options.start_delay = 30'000;
  AlertRouter router(std::make_shared<const AlertingConfig>(*std::move(config)), options,
                     kScenarioStart);
  const TimestampMs start = kScenarioStart + 90'000;
  router.Restore({}, start);
  std::vector<PostedAlert> batch(1);
  batch[0].labels = Labels::Of({{"alertname", "x"}});
  ASSERT_TRUE(router.Post(batch, start));
  EXPECT_TRUE(router.Advance(start + 29'000).empty());
  EXPECT_EQ(router.alerts().size(), 1U);  // the heartbeat is not late yet
  EXPECT_EQ(router.Advance(start + 30'000).size(), 1U);
  router.Advance(start + 60'000);
  EXPECT_EQ(router.alerts().size(), 2U);
}

TEST(AcceptAlert, ReplacesWhatTheDatabaseDoesNotTake) {
  PostedAlert posted;
  posted.labels = Labels::Of({{"a", std::string_view("x\0y", 3)}});
  const Result<Alert> alert = AcceptAlert(posted, 1000, 500);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->labels.Get("a"), "x\xef\xbf\xbdy");
  EXPECT_EQ(alert->fingerprint, Fingerprint(alert->labels));
}

TEST(AlertRouter, StoresWhatIsGoodOfABatch) {
  auto config = LoadAlertingText("route: {receiver: r}\nreceivers: [{name: r}]\n", "a.yml");
  ASSERT_TRUE(config);
  AlertRouter router(std::make_shared<const AlertingConfig>(*config), {}, kScenarioStart);
  std::vector<PostedAlert> batch(3);
  batch[0].labels = Labels::Of({{"alertname", "a"}});
  batch[2].labels = Labels::Of({{"alertname", "c"}});
  batch[2].starts_at = kScenarioStart;
  batch[2].ends_at = kScenarioStart - 1;
  const Result<void> posted = router.Post(batch, kScenarioStart);
  ASSERT_FALSE(posted);
  EXPECT_EQ(posted.error().message, "at least one label pair required");
  EXPECT_EQ(router.alerts().size(), 1U);
}

}  // namespace
}  // namespace vigil::alerting
