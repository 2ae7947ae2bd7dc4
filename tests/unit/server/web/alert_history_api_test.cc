// SPDX-License-Identifier: Apache-2.0
#include "server/web/alert_history_api.h"

#include <gtest/gtest.h>

#include <optional>

#include "server/alerting/config_loader.h"
#include "tests/support/memory_state_store.h"

namespace vigil::web {
namespace {

constexpr TimestampMs kHistoryNow = 1'700'000'000'000;

// Answers with what the test put in, and keeps the query.
class FakeHistory : public alerting::AlertHistoryReader {
 public:
  Result<std::vector<alerting::AlertEvent>> ReadAlerts(
      const alerting::HistoryQuery& query) override {
    last = query;
    return alerts;
  }
  Result<std::vector<alerting::NotificationEvent>> ReadNotifications(
      const alerting::HistoryQuery& query) override {
    last = query;
    return notifications;
  }

  std::vector<alerting::AlertEvent> alerts;
  std::vector<alerting::NotificationEvent> notifications;
  alerting::HistoryQuery last;
};

class AlertHistoryApiTest : public testing::Test {
 protected:
  AlertHistoryApiTest() {
    auto config = alerting::LoadAlertingText(
        "route:\n"
        "  receiver: r\n"
        "  group_by: [alertname]\n"
        "  group_wait: 0s\n"
        "  routes: [{receiver: s, matchers: [a=c]}]\n"
        "receivers: [{name: r, webhook_configs: [{url: 'http://h/'}]}, {name: s}]\n",
        "a.yml");
    CHECK(config.has_value());
    notifier_.answers_at_once = true;
    alerting::AlertingService::Options options;
    options.own_thread = false;
    service_ = std::make_unique<alerting::AlertingService>(
        std::make_shared<const alerting::AlertingConfig>(*std::move(config)), options, store_,
        notifier_, clock_);
    CHECK(service_->Start().has_value());
  }
  std::string Ask(Result<Annotations> (AlertHistoryApi::*method)(const ApiRequest&, JsonWriter&)
                      const,
                  std::string_view query) {
    http::Request request;
    request.method = "GET";
    request.query = std::string(query);
    const AlertHistoryApi api(&history_, service_.get(), clock_);
    const http::Response response = Answer(
        request,
        [&](const ApiRequest& parsed, JsonWriter& json) { return (api.*method)(parsed, json); });
    return std::to_string(response.status) + " " + response.body;
  }
  std::string PostOne() {
    alerting::PostedAlert alert;
    alert.labels = Labels::Of({{"alertname", "x"}, {"a", "b"}});
    alert.ends_at = kHistoryNow + 60'000;
    EXPECT_TRUE(service_->Post({alert}));
    service_->RunOnce();
    service_->RunOnce();
    return alerting::FingerprintText(alerting::Fingerprint(alert.labels));
  }

  ManualClock clock_{kHistoryNow};
  FakeHistory history_;
  alerting::MemoryStateStore store_;
  alerting::FakeNotifier notifier_;
  std::unique_ptr<alerting::AlertingService> service_;
};

TEST_F(AlertHistoryApiTest, AsksForWhatTheParametersSay) {
  EXPECT_EQ(
      Ask(&AlertHistoryApi::Alerts,
          "match[]=a%3D%22b%22&match[]=%7Bc%3D~%22d%22%2Ce%21%3Df%7D&receiver=r&start=5&limit="
          "2&fingerprint=0123456789abcdef"),
      R"(200 {"status":"success","data":[]})");
  ASSERT_EQ(history_.last.matchers.size(), 2U);
  EXPECT_EQ(alerting::ToString(history_.last.matchers[1]), "{c=~\"d\",e!=\"f\"}");
  EXPECT_EQ(history_.last.start, 5'000);
  EXPECT_EQ(history_.last.end, kHistoryNow);
  EXPECT_EQ(history_.last.limit, 3U);
  EXPECT_EQ(history_.last.receiver, "r");
  EXPECT_EQ(history_.last.fingerprint, "0123456789abcdef");
}

TEST_F(AlertHistoryApiTest, RefusesWhatItCannotRead) {
  for (const char* query : {"match[]=%3Dx", "fingerprint=xyz", "start=a", "start=5&end=2"}) {
    EXPECT_TRUE(Ask(&AlertHistoryApi::Alerts, query).starts_with("400 ")) << query;
    EXPECT_TRUE(Ask(&AlertHistoryApi::Notifications, query).starts_with("400 ")) << query;
  }
  EXPECT_TRUE(Ask(&AlertHistoryApi::Explain, "").starts_with("400 "));
  EXPECT_TRUE(Ask(&AlertHistoryApi::Explain, "fingerprint=0123456789abcdef").starts_with("404 "));
}

TEST_F(AlertHistoryApiTest, ListsEventsAndSaysWhenThereAreMore) {
  alerting::AlertEvent event;
  event.at = kHistoryNow;
  event.kind = alerting::AlertEventKind::kMuted;
  event.fingerprint = 255;
  event.labels = Labels::Of({{"alertname", "x"}});
  event.starts_at = kHistoryNow - 1;
  event.group_key = "{}:{}";
  event.receiver = "r";
  event.silences = {"id"};
  history_.alerts = {event, event};
  EXPECT_EQ(Ask(&AlertHistoryApi::Alerts, "limit=1"),
            R"(200 {"status":"success","data":[{"time":"2023-11-14T22:13:20.000Z","event":"muted",)"
            R"("fingerprint":"00000000000000ff","labels":{"alertname":"x"},)"
            R"("startsAt":"2023-11-14T22:13:19.999Z","groupKey":"{}:{}","receiver":"r",)"
            R"("silencedBy":["id"],"inhibitedBy":[],"mutedBy":[]}],)"
            R"("warnings":["results truncated due to limit"]})");
  alerting::NotificationEvent told;
  told.at = kHistoryNow;
  told.flushed_at = kHistoryNow - 500;
  told.integration = {"r", "webhook", 1, true};
  told.reason = alerting::NotifyReason::kRepeat;
  told.result = alerting::NotificationResult::kFailed;
  told.tries = 2;
  told.status = 500;
  told.error = "no";
  told.firing = {1};
  history_.notifications = {told};
  EXPECT_EQ(
      Ask(&AlertHistoryApi::Notifications, ""),
      R"(200 {"status":"success","data":[{"time":"2023-11-14T22:13:20.000Z",)"
      R"("flushedAt":"2023-11-14T22:13:19.500Z","receiver":"r","integration":"webhook","index":1,)"
      R"("reason":"repeat interval elapsed","result":"failed","tries":2,"httpStatus":500,)"
      R"("error":"no","groupKey":"","groupLabels":{},"commonLabels":{},)"
      R"("firing":["0000000000000001"],"resolved":[]}]})");
}

TEST_F(AlertHistoryApiTest, ExplainsAnAlert) {
  const std::string fingerprint = PostOne();
  alerting::Silence silence;
  silence.matchers = {*alerting::LabelMatcher::Create(MatchType::kEqual, "a", "b")};
  silence.ends_at = kHistoryNow + 60'000;
  const std::string id = service_->SetSilence(silence).value();
  const std::string query = "fingerprint=" + fingerprint;
  const std::string answer = Ask(&AlertHistoryApi::Explain, query);
  EXPECT_NE(answer.find("\"state\":\"firing\""), std::string::npos) << answer;
  EXPECT_NE(answer.find("\"silencedBy\":[\"" + id + "\"]"), std::string::npos) << answer;
  EXPECT_NE(answer.find(R"("routesTried":[{"id":"{}","matchers":"{}","receiver":"r",)"
                        R"("matches":true,"taken":true},{"id":"{}/{a=\"c\"}/0")"),
            std::string::npos)
      << answer;
  EXPECT_NE(answer.find(R"("integration":"r/webhook/0","told":true,)"), std::string::npos)
      << answer;
  EXPECT_NE(answer.find(R"("as":"firing")"), std::string::npos) << answer;
  EXPECT_EQ(history_.last.fingerprint, fingerprint);
  EXPECT_EQ(history_.last.start, kHistoryNow);  // nobody was told before it began
  // Of the groups it is in, and of those it was in, which another configuration may have made.
  alerting::AlertEvent& grouped = history_.alerts.emplace_back();
  grouped.group_key = "old";
  Ask(&AlertHistoryApi::Explain, query);
  EXPECT_EQ(history_.last.group_keys, (std::vector<std::string>{"old", "{}:{alertname=\"x\"}"}));
}

// No keys of groups would ask for the messages of all.
TEST_F(AlertHistoryApiTest, ExplainsAnAlertThatNoGroupTook) {
  alerting::AlertEvent pending;
  pending.at = kHistoryNow - 60'000;
  pending.fingerprint = 255;
  history_.alerts = {pending};
  history_.notifications.emplace_back().error = "of another";
  const std::string query = "fingerprint=00000000000000ff";
  EXPECT_NE(Ask(&AlertHistoryApi::Explain, query).find("\"notifications\":[]"), std::string::npos);
  // Its group is known from before the time that is asked for.
  history_.alerts[0].group_key = "old";
  const std::string answer =
      Ask(&AlertHistoryApi::Explain, query + "&start=" + std::to_string(kHistoryNow / 1'000 - 1));
  EXPECT_NE(answer.find("\"history\":[]"), std::string::npos) << answer;
  EXPECT_NE(answer.find("of another"), std::string::npos) << answer;
  EXPECT_EQ(history_.last.group_keys, std::vector<std::string>{"old"});
  EXPECT_EQ(history_.last.start, (kHistoryNow / 1'000 - 1) * 1'000);
}

TEST_F(AlertHistoryApiTest, LimitsAnAnswer) {
  Ask(&AlertHistoryApi::Alerts, "limit=1000000000");
  EXPECT_EQ(history_.last.limit, 10'001U);
}

TEST_F(AlertHistoryApiTest, TakesAcknowledgements) {
  const std::string fingerprint = PostOne();
  const std::string query = "fingerprint=" + fingerprint;
  EXPECT_TRUE(Ask(&AlertHistoryApi::Acknowledge, query).starts_with("400 "));
  EXPECT_TRUE(
      Ask(&AlertHistoryApi::Acknowledge, "fingerprint=0123456789abcdef&by=me").starts_with("404 "));
  EXPECT_EQ(Ask(&AlertHistoryApi::Acknowledge, query + "&by=me&comment=hm"),
            R"(200 {"status":"success","data":{}})");
  EXPECT_NE(Ask(&AlertHistoryApi::Explain, query)
                .find(R"("acknowledged":{"by":"me","comment":"hm","time":)"),
            std::string::npos);
  EXPECT_TRUE(Ask(&AlertHistoryApi::Unacknowledge, query).starts_with("200 "));
  EXPECT_TRUE(Ask(&AlertHistoryApi::Unacknowledge, query).starts_with("404 "));
}

}  // namespace
}  // namespace vigil::web
