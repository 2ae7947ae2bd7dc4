// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/drill.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/alerting/config_loader.h"
#include "server/alerting/service.h"
#include "tests/support/memory_state_store.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kDrillNow = 1'770'091'506'000;

const std::vector<Integration> kTwoHooks = {{"ops", "webhook", 0, true},
                                            {"ops", "email", 0, false}};

TEST(Drill, TellsEachIntegrationOnce) {
  ManualClock clock(kDrillNow);
  FakeNotifier notifier;
  notifier.answers_at_once = true;
  DrillRequest request;
  request.receiver = "ops";
  request.labels = {{"severity", "page"}, {"team", ""}};
  request.timeout = 10'000;
  const std::vector<DrillResult> results = RunDrill(request, kTwoHooks, notifier, clock);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[1].integration.type, "email");
  EXPECT_EQ(results[1].outcome.verdict, SendVerdict::kSent);
  ASSERT_EQ(notifier.sent.size(), 2U);
  const Outgoing& message = notifier.sent[0].message;
  EXPECT_EQ(message.deadline, kDrillNow + 10'000);
  EXPECT_EQ(message.reason, NotifyReason::kFirst);
  EXPECT_EQ(message.group_key, "drill/ops:{alertname=\"VigilTest\"}");
  ASSERT_EQ(message.alerts.size(), 1U);
  EXPECT_EQ(message.alerts[0]->labels,
            Labels::Of({{"alertname", "VigilTest"}, {"severity", "page"}}));
  EXPECT_EQ(message.alerts[0]->annotations.Get("summary"),
            "Test of receiver \"ops\": nothing is wrong");
  EXPECT_FALSE(message.alerts[0]->ResolvedAt(kDrillNow));
}

TEST(Drill, ResolvesForThoseWhoWantToKnow) {
  ManualClock clock(kDrillNow);
  FakeNotifier notifier;
  notifier.answers_at_once = true;
  DrillRequest request;
  request.receiver = "ops";
  request.resolve = true;
  request.annotations = {{"summary", "mine"}};
  const std::vector<DrillResult> results = RunDrill(request, kTwoHooks, notifier, clock);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_FALSE(results[2].firing);
  EXPECT_EQ(results[2].integration.type, "webhook");
  ASSERT_EQ(notifier.sent.size(), 3U);
  EXPECT_EQ(notifier.sent[2].message.group_key, notifier.sent[0].message.group_key);
  EXPECT_TRUE(notifier.sent[2].message.alerts[0]->ResolvedAt(kDrillNow));
  EXPECT_EQ(notifier.sent[2].message.alerts[0]->annotations.Get("summary"), "mine");
}

TEST(Drill, EndsWithinAMinute) {
  ManualClock clock(kDrillNow);
  FakeNotifier notifier;
  notifier.answers_at_once = true;
  DrillRequest request;
  request.timeout = 300'000;
  RunDrill(request, kTwoHooks, notifier, clock);
  EXPECT_EQ(notifier.sent.back().message.deadline, kDrillNow + 55'000);
  request.resolve = true;
  RunDrill(request, kTwoHooks, notifier, clock);
  EXPECT_EQ(notifier.sent.back().message.deadline, kDrillNow + 25'000);
}

TEST(Drill, ShowsWhatFailedAndResolvesNothingThatWasNotSent) {
  class Refusing : public FakeNotifier {
   public:
    void Send(Outgoing message, Done done) override {
      SendOutcome outcome;
      outcome.verdict = SendVerdict::kFinal;
      outcome.error = "unexpected status code 404";
      outcome.status = 404;
      done(message.id, outcome, {});
    }
  } notifier;
  ManualClock clock(kDrillNow);
  DrillRequest request;
  request.resolve = true;
  const std::vector<DrillResult> results = RunDrill(request, kTwoHooks, notifier, clock);
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].outcome.status, 404);
  EXPECT_EQ(results[0].outcome.error, "unexpected status code 404");
}

TEST(Drill, EndsAtOnceWhenTheServerStops) {
  // Never answers, and the stop comes while the drill waits.
  class Silent : public FakeNotifier {
   public:
    void Send(Outgoing message, Done done) override {
      FakeNotifier::Send(std::move(message), std::move(done));
      if (sent.size() == 2) stopper = std::jthread([this] { stop.request_stop(); });
    }
    std::stop_source stop;
    std::jthread stopper;
  } notifier;
  ManualClock clock(kDrillNow);
  DrillRequest request;
  request.resolve = true;
  const std::vector<DrillResult> results =
      RunDrill(request, kTwoHooks, notifier, clock, notifier.stop.get_token());
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].outcome.verdict, SendVerdict::kRetry);
  EXPECT_EQ(results[0].outcome.error, "no answer yet, and the server is being stopped");
  EXPECT_EQ(notifier.sent.size(), 2U);
}

TEST(Drill, NoneBeginsOnceTheServerStops) {
  auto config = LoadAlertingText(
      "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}]",
      "a.yml");
  ASSERT_TRUE(config) << config.error().message;
  ManualClock clock(kDrillNow);
  MemoryStateStore store;
  FakeNotifier notifier;
  AlertingService::Options options;
  options.own_thread = false;
  AlertingService service(std::make_shared<const AlertingConfig>(*std::move(config)), options,
                          store, notifier, clock);
  service.EndDrills();
  DrillRequest request;
  request.receiver = "r";
  const auto results = service.TestReceiver(request);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(notifier.sent.empty());
}

TEST(Drill, FindsTheReceiver) {
  const auto config = LoadAlertingText(
      "route: {receiver: a}\n"
      "receivers: [{name: a}, {name: b/c, webhook_configs: [{url: 'http://h/'}]}]\n",
      "a.yml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(IntegrationsOf("a", *config).value().empty());
  EXPECT_EQ(IntegrationsOf("b/c", *config).value().at(0).type, "webhook");
  EXPECT_EQ(IntegrationsOf("x", *config).error().message, "there is no receiver \"x\"");
}

}  // namespace
}  // namespace vigil::alerting
