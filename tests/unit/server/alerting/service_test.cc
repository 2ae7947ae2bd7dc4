// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/service.h"

#include <gtest/gtest.h>

#include <optional>

#include "server/alerting/config_loader.h"
#include "tests/support/memory_state_store.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kServiceStart = 1'700'000'000'000;

// A service that is started, killed and started again over one store.
class ServiceTest : public testing::Test {
 protected:
  void Begin(const std::string& more = "") {
    Result<AlertingConfig> config = LoadAlertingText(
        "route: {receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 10s, "
        "repeat_interval: 1h}\n"
        "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]\n" +
            more,
        "a.yml");
    ASSERT_TRUE(config) << config.error().message;
    config_ = std::make_shared<const AlertingConfig>(*std::move(config));
    Start();
  }
  void Start() {
    notifier_ = std::make_unique<FakeNotifier>();
    notifier_->answers_at_once = answers_;
    AlertingService::Options options = options_;
    options.own_thread = false;
    options.stop_wait = 0;
    service_ = std::make_unique<AlertingService>(config_, options, store_, *notifier_, clock_);
    const Result<void> started = service_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  // What is in memory is lost; a notifier's answers reach nobody.
  void Kill() {
    store_.fails = true;
    service_.reset();
    store_.fails = false;
  }
  void Restart() {
    service_->Stop();
    service_.reset();
    Start();
  }

  void Post(const std::string& name, const std::string& job, DurationMs ends_in = 240'000,
            const std::string& summary = "") {
    PostedAlert alert;
    alert.labels = Labels::Of({{"alertname", name}, {"job", job}});
    if (!summary.empty()) alert.annotations = Labels::Of({{"summary", summary}});
    alert.starts_at = started_.try_emplace(name + job, clock_.Now()).first->second;
    alert.ends_at = clock_.Now() + ends_in;
    ASSERT_TRUE(service_->Post({alert}));
  }
  // Moves time on in small steps, as the thread would.
  void Run(DurationMs ms) {
    for (const TimestampMs end = clock_.Now() + ms; clock_.Now() < end; clock_.Advance(250)) {
      service_->RunOnce();
      service_->RunOnce();
    }
    service_->RunOnce();
  }
  Silence SilenceOf(const std::string& name, const std::string& value, DurationMs lasts) {
    Silence silence;
    silence.matchers.push_back(*LabelMatcher::Create(MatchType::kEqual, name, value));
    silence.ends_at = clock_.Now() + lasts;
    silence.created_by = "me";
    return silence;
  }
  std::vector<std::string> Events() const {
    std::vector<std::string> out;
    for (const AlertEvent& event : store_.alert_events) {
      out.push_back(std::string(event.labels.Get("job")) + " " +
                    std::string(AlertEventText(event.kind)));
    }
    return out;
  }

  ManualClock clock_{kServiceStart};
  AlertingService::Options options_;
  bool answers_ = true;
  std::map<std::string, TimestampMs> started_;
  std::shared_ptr<const AlertingConfig> config_;
  MemoryStateStore store_;
  std::unique_ptr<FakeNotifier> notifier_;
  std::unique_ptr<AlertingService> service_;
};

TEST_F(ServiceTest, TellsAGroupOnceAndStoresWhatWasSaid) {
  Begin();
  Post("a", "x");
  Post("a", "y");
  Run(500);
  EXPECT_TRUE(notifier_->sent.empty());
  Run(1'000);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  EXPECT_EQ(notifier_->sent[0].message.alerts.size(), 2U);
  ASSERT_EQ(store_.log.size(), 1U);
  EXPECT_EQ(store_.log.begin()->second.firing.size(), 2U);
  Run(30'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, StoresAlertsBeforeTheirMessageGoesOut) {
  answers_ = false;
  Begin();
  Post("a", "x");
  clock_.Advance(1'000);
  service_->RunOnce();
  ASSERT_EQ(notifier_->sent.size(), 1U);
  EXPECT_EQ(store_.alerts.size(), 1U);
}

TEST_F(ServiceTest, StoresAnAnswerBeforeTheGroupSendsAnythingElse) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  Run(30'000);  // the next flush waits for the answer
  EXPECT_EQ(notifier_->sent.size(), 1U);
  Post("a", "y");
  notifier_->Answer(0, {});
  service_->RunOnce();
  ASSERT_EQ(store_.log.size(), 1U);
  EXPECT_EQ(store_.log.begin()->second.firing.size(), 1U);
}

TEST_F(ServiceTest, DoesNotRepeatWhatWasAnsweredBeforeAKill) {
  Begin();
  Post("a", "x");
  Run(1'500);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  Kill();
  Start();
  Run(60'000);
  EXPECT_TRUE(notifier_->sent.empty());
}

TEST_F(ServiceTest, SaysAgainWhatWasNotAnsweredBeforeAKill) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  Kill();
  answers_ = true;
  Start();
  Run(2'000);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  EXPECT_EQ(notifier_->sent[0].message.alerts.size(), 1U);
}

TEST_F(ServiceTest, SaysAgainWhatWasAnsweredButNotStored) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  store_.fails = true;
  notifier_->Answer(0, {});
  service_->RunOnce();
  EXPECT_TRUE(store_.log.empty());
  Kill();
  answers_ = true;
  Start();
  Run(2'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, GoesOnWhileTheStoreFailsAndStoresLater) {
  Begin();
  store_.fails = true;
  Post("a", "x");
  Run(5'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
  EXPECT_FALSE(service_->Stats().store_works);
  EXPECT_GT(service_->Stats().unsaved_rows, 0U);
  EXPECT_EQ(service_->SetSilence(SilenceOf("job", "x", 60'000)).error().kind,
            ErrorKind::kUnavailable);
  store_.fails = false;
  Run(31'000);
  EXPECT_TRUE(service_->Stats().store_works);
  EXPECT_EQ(store_.alerts.size(), 1U);
  EXPECT_EQ(store_.log.size(), 1U);
  EXPECT_EQ(store_.notification_events.size(), 1U);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, IsSilentWhenAnotherServerHasTheDatabase) {
  Begin();
  Post("a", "x");
  store_.taken_over = true;
  Run(5'000);
  EXPECT_TRUE(notifier_->sent.empty());
  store_.taken_over = false;  // it is over all the same
  EXPECT_FALSE(service_->SetSilence(SilenceOf("job", "x", 60'000)));
  EXPECT_FALSE(service_->Post({}));
  Run(60'000);
  EXPECT_TRUE(notifier_->sent.empty());
  service_->Stop();
  EXPECT_TRUE(store_.alerts.empty());
  EXPECT_TRUE(store_.groups.empty());
}

TEST_F(ServiceTest, TellsFirstWhileTheStoreFails) {
  Begin();
  store_.fails = true;
  Post("a", "x");
  service_->RunOnce();
  clock_.Advance(1'000);
  service_->RunOnce();
  EXPECT_EQ(notifier_->sent.size(), 1U);
  Post("b", "x");
  clock_.Advance(1'500);
  store_.on_save = [&] { EXPECT_EQ(notifier_->sent.size(), 2U); };
  const uint64_t before = service_->Stats().save_failures;
  service_->RunOnce();
  EXPECT_EQ(service_->Stats().save_failures, before + 1);
  // The pause counts from the end of an attempt that took long.
  store_.on_save = [&] { clock_.Advance(60'000); };
  clock_.Advance(30'000);
  service_->RunOnce();
  service_->RunOnce();
  EXPECT_EQ(service_->Stats().save_failures, before + 2);
  store_.on_save = nullptr;
}

TEST_F(ServiceTest, AClockThatIsSetBackKeepsNothingWaiting) {
  Begin();
  Post("a", "x", 36'000'000);
  Run(2'000);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  clock_.JumpTo(clock_.Now() - 3'600'000);
  Post("a", "y", 36'000'000);
  Run(11'000);
  EXPECT_EQ(notifier_->sent.size(), 2U);
}

TEST_F(ServiceTest, ACleanStopWithAMessageThatWasNotDeliveredDelaysNothing) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  answers_ = true;
  Restart();
  service_->RunOnce();
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, AnAcknowledgementIsNotDeletedByAnOlderChange) {
  options_.router.gc_interval = 20'000;
  Begin();
  Post("a", "x", 8'000);
  const uint64_t fingerprint = Fingerprint(Labels::Of({{"alertname", "a"}, {"job", "x"}}));
  Run(1'000);
  ASSERT_TRUE(service_->Acknowledge(fingerprint, "me", "first"));
  Run(15'000);
  store_.fails = true;
  Run(8'000);  // the first one is forgotten, which waits to be stored
  started_.clear();
  Post("a", "x", 600'000);
  Run(500);
  store_.fails = false;
  ASSERT_TRUE(service_->Acknowledge(fingerprint, "me", "second"));
  Run(40'000);
  ASSERT_EQ(store_.acknowledgements.count(fingerprint), 1U);
  EXPECT_EQ(store_.acknowledgements.at(fingerprint).comment, "second");
}

TEST_F(ServiceTest, ForgetsWhatTheLimitOfANameDrove) {
  options_.router.alerts_per_name = 1;
  options_.router.gc_interval = 30'000;
  Begin();
  Post("a", "x", 2'000);
  Run(5'000);
  Post("a", "y", 36'000'000);
  Run(60'000);
  ASSERT_EQ(store_.alerts.size(), 1U);
  EXPECT_EQ(store_.alerts.begin()->second.first.labels.Get("job"), "y");
}

TEST_F(ServiceTest, StoresASilenceBeforeItReturnsAndRefusesItOtherwise) {
  Begin();
  Result<std::string> id = service_->SetSilence(SilenceOf("job", "x", 60'000));
  ASSERT_TRUE(id);
  EXPECT_EQ(store_.silences.count(*id), 1U);
  store_.fails = true;
  EXPECT_FALSE(service_->SetSilence(SilenceOf("job", "y", 60'000)));
  EXPECT_FALSE(service_->ExpireSilence(*id));
  size_t active = 0;
  service_->Look([&](const AlertRouter& router, TimestampMs now) {
    active = router.silences().CountByState(now)[static_cast<size_t>(SilenceState::kActive)];
  });
  EXPECT_EQ(active, 1U);
  Kill();
  Start();
  Post("a", "x");
  Run(5'000);
  EXPECT_TRUE(notifier_->sent.empty());
  ASSERT_TRUE(service_->ExpireSilence(*id));
  Run(10'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, ARefreshWritesNoRowsAfterTheFirst) {
  Begin();
  for (int i = 0; i < 20; ++i) {
    Post("a", "x");
    Run(60'000);
  }
  EXPECT_EQ(store_.alert_rows, 1U);
  EXPECT_TRUE(store_.alerts.begin()->second.second);
  EXPECT_EQ(Events(), (std::vector<std::string>{"x firing", "x grouped"}));
}

TEST_F(ServiceTest, AnnotationsThatChangeEachTimeAreWrittenNowAndThen) {
  Begin();
  for (int i = 0; i < 20; ++i) {
    Post("a", "x", 240'000, "value " + std::to_string(i));
    Run(60'000);
  }
  EXPECT_LE(store_.alert_rows, 5U);
  Restart();
  EXPECT_EQ(store_.alerts.begin()->second.first.annotations.Get("summary"), "value 19");
}

TEST_F(ServiceTest, ARenewedAlertIsStillFiringAfterADowntime) {
  Begin();
  Post("a", "x");
  Run(60'000);
  Post("a", "x");
  Run(2'000);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  Kill();
  clock_.Advance(600'000);
  Start();
  Run(120'000);
  EXPECT_TRUE(notifier_->sent.empty());
  Run(130'000);  // nobody repeats it
  ASSERT_EQ(notifier_->sent.size(), 1U);
  EXPECT_EQ(notifier_->sent[0].message.reason, NotifyReason::kAllResolved);
}

TEST_F(ServiceTest, AnEndThatNobodyReportedIsStored) {
  Begin();
  Post("a", "x", 20'000);
  Run(40'000);
  EXPECT_EQ(notifier_->sent.size(), 2U);
  const Alert& stored = store_.alerts.begin()->second.first;
  EXPECT_GE(stored.updated_at, stored.ends_at);
  EXPECT_EQ(Events(), (std::vector<std::string>{"x firing", "x grouped", "x resolved"}));
  Kill();
  Start();
  Run(60'000);
  EXPECT_TRUE(notifier_->sent.empty());
}

TEST_F(ServiceTest, TimersSurviveACleanStop) {
  Begin();
  Post("a", "x");
  Run(2'000);
  Post("a", "y");
  Restart();
  Run(5'000);
  EXPECT_TRUE(notifier_->sent.empty());  // group_interval is not over
  Run(10'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, AnAnswerAtTheEndIsStored) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  notifier_->Answer(0, {}, {{"ts", "1.2"}});
  service_->Stop();
  ASSERT_EQ(store_.log.size(), 1U);
  EXPECT_EQ(store_.log.begin()->second.receiver_data.at("ts"), "1.2");
}

TEST_F(ServiceTest, HistorySaysThatAnAlertBecamePending) {
  Begin();
  PostedAlert alert;
  alert.labels = Labels::Of({{"alertname", "a"}, {"job", "x"}});
  alert.starts_at = clock_.Now() - 5;
  service_->NotePending({alert});
  Run(2'000);
  EXPECT_EQ(Events(), std::vector<std::string>{"x pending"});
  EXPECT_EQ(store_.alert_events[0].starts_at, kServiceStart - 5);
  EXPECT_EQ(store_.alert_events[0].fingerprint, Fingerprint(alert.labels));
  EXPECT_TRUE(notifier_->sent.empty());
  EXPECT_TRUE(store_.alerts.empty());
  Post("a", "x");
  Run(2'000);
  EXPECT_EQ(Events(), (std::vector<std::string>{"x pending", "x firing", "x grouped"}));
}

TEST_F(ServiceTest, HistorySaysWhatMutedAnAlertOnce) {
  Begin();
  const Result<std::string> id = service_->SetSilence(SilenceOf("job", "x", 35'000));
  ASSERT_TRUE(id);
  Post("a", "x");
  Run(50'000);
  EXPECT_EQ(Events(), (std::vector<std::string>{"x firing", "x grouped", "x muted", "x unmuted"}));
  ASSERT_EQ(store_.alert_events[2].silences, std::vector<std::string>{*id});
  EXPECT_EQ(store_.alert_events[2].receiver, "r");
  ASSERT_EQ(store_.notification_events.size(), 1U);
  EXPECT_EQ(store_.notification_events[0].reason, NotifyReason::kFirst);
  EXPECT_EQ(store_.notification_events[0].common_labels.Get("job"), "x");
  EXPECT_GT(service_->Stats().counters.suppressed.at("silence"), 0U);
  store_.alert_events.clear();
  Kill();
  Start();
  Run(20'000);
  EXPECT_TRUE(store_.alert_events.empty());  // a restart is no news
}

TEST_F(ServiceTest, HistorySaysWhyAMessageFailed) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  SendOutcome outcome;
  outcome.verdict = SendVerdict::kRetry;
  outcome.status = 503;
  outcome.error = "unexpected status code 503";
  notifier_->Answer(0, outcome);
  Run(2'000);
  ASSERT_EQ(notifier_->sent.size(), 2U);
  outcome.verdict = SendVerdict::kFinal;
  outcome.status = 400;
  outcome.error = "unexpected status code 400";
  notifier_->Answer(1, outcome);
  Run(1'500);
  ASSERT_EQ(store_.notification_events.size(), 1U);
  const NotificationEvent& event = store_.notification_events[0];
  EXPECT_EQ(event.result, NotificationResult::kFailed);
  EXPECT_EQ(event.tries, 2U);
  EXPECT_EQ(event.status, 400);
  EXPECT_EQ(event.error, "unexpected status code 400");
  EXPECT_EQ(event.firing.size(), 1U);
  const AlertingStats stats = service_->Stats();
  EXPECT_EQ(stats.counters.notifications.at("webhook"), 1U);
  EXPECT_EQ(stats.counters.notifications_failed.at({"webhook", "clientError"}), 1U);
}

TEST_F(ServiceTest, HistoryHasWhatAStopCutShort) {
  answers_ = false;
  Begin();
  Post("a", "x");
  Run(1'500);
  SendOutcome outcome;
  outcome.verdict = SendVerdict::kRetry;
  outcome.status = 503;
  notifier_->Answer(0, outcome);
  service_->RunOnce();
  service_->Stop();
  ASSERT_EQ(store_.notification_events.size(), 1U);
  EXPECT_EQ(store_.notification_events[0].result, NotificationResult::kFailed);
  EXPECT_EQ(store_.notification_events[0].tries, 1U);
}

TEST_F(ServiceTest, EventsBeyondTheLimitAreDroppedWhileTheStoreFails) {
  options_.max_unsaved_events = 3;
  Begin();
  store_.fails = true;
  for (int i = 0; i < 5; ++i) Post("a", std::to_string(i));
  Run(2'000);
  store_.fails = false;
  Run(31'000);
  EXPECT_EQ(store_.alert_events.size(), 3U);
  EXPECT_EQ(store_.alerts.size(), 5U);
  EXPECT_GT(service_->Stats().dropped_events, 0U);
}

TEST_F(ServiceTest, ABadConfigurationLeavesTheOneBefore) {
  Begin();
  const auto before = config_;
  notifier_->refuses = true;
  EXPECT_FALSE(service_->Reload(std::make_shared<const AlertingConfig>(*config_)));
  service_->Look(
      [&](const AlertRouter& router, TimestampMs) { EXPECT_EQ(router.shared_config(), before); });
}

TEST_F(ServiceTest, AReloadRepeatsNothing) {
  Begin();
  Post("a", "x");
  Run(1'500);
  ASSERT_TRUE(service_->Reload(std::make_shared<const AlertingConfig>(*config_)));
  Run(20'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
}

TEST_F(ServiceTest, TheGuardRefusesSilencesThatAreTooBroad) {
  options_.silence_guard_percent = 50;
  Begin();
  for (const char* job : {"x", "y", "z"}) Post("a", job);
  Post("b", "x");
  Run(500);
  EXPECT_TRUE(service_->SetSilence(SilenceOf("job", "x", 60'000)));
  Result<std::string> broad = service_->SetSilence(SilenceOf("alertname", "a", 60'000));
  ASSERT_FALSE(broad);
  EXPECT_EQ(broad.error().message,
            "the silence would mute 3 of 4 active alerts, more than the 50 % that are allowed: "
            "narrow its matchers, or give it the annotation force=\"true\" if that is meant");
  Silence all = SilenceOf("alertname", "", 60'000);
  all.matchers = {*LabelMatcher::Create(MatchType::kRegexp, "alertname", ".+")};
  EXPECT_FALSE(service_->SetSilence(all));
  all.annotations["force"] = "true";
  EXPECT_TRUE(service_->SetSilence(all));
}

TEST_F(ServiceTest, AnAcknowledgementIsStoredBeforeItReturns) {
  Begin();
  Post("a", "x", 7'200'000);
  Run(1'500);
  const uint64_t fingerprint = Fingerprint(Labels::Of({{"alertname", "a"}, {"job", "x"}}));
  EXPECT_EQ(service_->Acknowledge(1, "me", "").error().kind, ErrorKind::kNotFound);
  store_.fails = true;
  EXPECT_EQ(service_->Acknowledge(fingerprint, "me", "").error().kind, ErrorKind::kUnavailable);
  store_.fails = false;
  ASSERT_TRUE(service_->Acknowledge(fingerprint, "me", "on it"));
  EXPECT_EQ(store_.acknowledgements.at(fingerprint).comment, "on it");
  Run(1'500);
  ASSERT_EQ(store_.alert_events.back().kind, AlertEventKind::kAcknowledged);
  EXPECT_EQ(store_.alert_events.back().by, "me");
  Kill();
  clock_.Advance(3'700'000);
  Start();
  Run(20'000);
  EXPECT_TRUE(notifier_->sent.empty());  // no repeat
  ASSERT_TRUE(service_->Unacknowledge(fingerprint));
  EXPECT_FALSE(service_->Unacknowledge(fingerprint));
  EXPECT_TRUE(store_.acknowledgements.empty());
  Run(20'000);
  ASSERT_EQ(notifier_->sent.size(), 1U);
  EXPECT_EQ(notifier_->sent[0].message.reason, NotifyReason::kRepeat);
}

TEST_F(ServiceTest, ASilenceWithTimeIntervalsRecurs) {
  // It is Tuesday, 22:13:20.
  Begin(
      "time_intervals: [{name: evening, time_intervals: [{times: [{start_time: '22:14', "
      "end_time: '22:15'}]}]}]\n");
  Silence silence = SilenceOf("job", "x", 86'400'000);
  silence.annotations["time_intervals"] = "evenings";
  EXPECT_EQ(service_->SetSilence(silence).error().message,
            "invalid silence: no time interval \"evenings\" in the configuration, as its "
            "annotation time_intervals says");
  silence.annotations["time_intervals"] = "evening";
  ASSERT_TRUE(service_->SetSilence(silence));
  Post("a", "x");
  Run(5'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
  Run(40'000);
  Post("b", "x");
  Run(20'000);
  EXPECT_EQ(notifier_->sent.size(), 1U);
  Run(60'000);
  EXPECT_EQ(notifier_->sent.size(), 2U);
}

TEST_F(ServiceTest, ItsThreadDoesTheSame) {
  Begin();
  service_->Stop();
  AlertingService::Options options;
  options.router.jitter = [] { return 0.5; };
  FakeNotifier notifier;
  notifier.answers_at_once = true;
  store_ = MemoryStateStore();
  // Waits in real time, for what is due at once.
  clock_.JumpTo(kServiceStart + 10'000);
  AlertingService service(config_, options, store_, notifier, clock_);
  ASSERT_TRUE(service.Start());
  PostedAlert alert;
  alert.labels = Labels::Of({{"alertname", "a"}});
  alert.starts_at = kServiceStart;  // group_wait is over
  ASSERT_TRUE(service.Post({alert}));
  size_t entries = 0;
  while (entries == 0) {
    service.Look([&](const AlertRouter& router, TimestampMs) { entries = router.log().size(); });
  }
  service.Stop();
  EXPECT_EQ(store_.log.size(), 1U);
  EXPECT_EQ(store_.groups.size(), 1U);
}

}  // namespace
}  // namespace vigil::alerting
