// SPDX-License-Identifier: Apache-2.0
#include "server/notify/alertmanager_sender.h"

#include <gtest/gtest.h>

#include "tests/support/fake_async_client.h"

namespace vigil::notify {
namespace {

constexpr const char* kAmOne = "http://am1.example/api/v2/alerts";
constexpr const char* kAmTwo = "http://am2.example/api/v2/alerts";

alerting::PostedAlert SentAlert(const std::string& name) {
  alerting::PostedAlert alert;
  LabelsBuilder labels;
  labels.Set("alertname", name).Set("severity", "page");
  alert.labels = labels.Build();
  alert.annotations = LabelsBuilder().Set("summary", "a < b").Build();
  alert.starts_at = 1'770'091'506'000;
  alert.ends_at = 1'770'091'746'120;
  alert.generator_url = "http://p.example/graph?a=1&b=2";
  return alert;
}

std::vector<alerting::PostedAlert> SentAlerts(int from, int to) {
  std::vector<alerting::PostedAlert> alerts;
  for (int i = from; i < to; ++i) alerts.push_back(SentAlert("A" + std::to_string(i)));
  return alerts;
}

RelabelRule DropAlert(const std::string& name) {
  RelabelFields fields;
  fields.source_labels = {"alertname"};
  fields.regex = name;
  fields.action = RelabelAction::kDrop;
  return *RelabelRule::Create(fields);
}

// A sender whose Alertmanagers answer with `status`; without a thread.
class SenderRig {
 public:
  explicit SenderRig(AlertmanagerSender::Options options = {})
      : SenderRig(options, std::make_unique<testing_support::FakeAsyncClient>()) {}

  void Serve(std::vector<std::string> urls, std::vector<RelabelRule> rules = {}) {
    AlertmanagerSet set;
    set.urls = std::move(urls);
    set.alert_relabel_configs = std::move(rules);
    sender.SetAlertmanagers({std::move(set)});
  }
  // How many alerts a request has.
  [[nodiscard]] size_t AlertsIn(size_t request) const {
    size_t count = 0;
    const std::string& body = client->started[request].body;
    for (size_t at = body.find("\"alertname\""); at != std::string::npos;
         at = body.find("\"alertname\"", at + 1)) {
      ++count;
    }
    return count;
  }

  int status = 200;
  testing_support::FakeAsyncClient* client;
  AlertmanagerSender sender;

 private:
  SenderRig(const AlertmanagerSender::Options& options,
            std::unique_ptr<testing_support::FakeAsyncClient> fake)
      : client(fake.get()), sender(options, std::move(fake)) {
    client->answer = [this](const http::ClientRequest&) -> Result<http::ClientResponse> {
      if (status == 0) return Unavailable("connection refused");
      http::ClientResponse response;
      response.status = status;
      return response;
    };
  }
};

TEST(AlertmanagerSender, PostsAlertsToEachOfThem) {
  SenderRig rig;
  rig.Serve({kAmOne, kAmTwo});
  ASSERT_TRUE(rig.sender.Post({SentAlert("A")}));
  rig.sender.RunOnceForTest();
  ASSERT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[0].url, kAmOne);
  EXPECT_EQ(rig.client->started[1].url, kAmTwo);
  EXPECT_EQ(rig.client->started[0].timeout_ms, 10'000);
  EXPECT_EQ(rig.client->started[0].headers.Get("Content-Type"), "application/json");
  EXPECT_EQ(rig.client->started[0].body,
            R"([{"annotations":{"summary":"a \u003c b"},"endsAt":"2026-02-03T04:09:06.120Z",)"
            R"("startsAt":"2026-02-03T04:05:06.000Z",)"
            R"("generatorURL":"http://p.example/graph?a=1\u0026b=2",)"
            R"("labels":{"alertname":"A","severity":"page"}}])");
  const AlertmanagerStats stats = rig.sender.stats().at(kAmTwo);
  EXPECT_EQ(stats.sent, 1U);
  EXPECT_EQ(stats.errors + stats.dropped + stats.queue_length, 0U);
}

TEST(AlertmanagerSender, FetchesATokenFirstAndKeepsItWhenOthersAreFound) {
  ManualClock clock;
  AlertmanagerSender::Options options;
  options.clock = &clock;
  SenderRig rig(options);
  auto http = std::make_shared<config::HttpClientConfig>();
  http->has_oauth2 = true;
  http->oauth2.client_id = "i";
  http->oauth2.token_url = "http://auth.example/token";
  AlertmanagerSet set;
  set.urls = {kAmOne};
  set.http = http;
  rig.sender.SetAlertmanagers({set});
  int refusals = 0;
  rig.client->answer = [&](const http::ClientRequest& request) -> Result<http::ClientResponse> {
    http::ClientResponse response;
    response.status = 200;
    if (request.url == http->oauth2.token_url) {
      response.body = R"({"access_token":"t"})";
    } else if (refusals-- > 0) {
      response.status = 401;
    }
    return response;
  };
  ASSERT_TRUE(rig.sender.Post({SentAlert("A")}));
  for (int i = 0; i < 2; ++i) rig.sender.RunOnceForTest();
  ASSERT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[0].url, http->oauth2.token_url);
  EXPECT_EQ(rig.client->started[1].url, kAmOne);
  EXPECT_EQ(rig.client->started[1].options->authorization, "Bearer t");
  set.urls = {kAmOne, kAmTwo};
  rig.sender.SetAlertmanagers({set});
  ASSERT_TRUE(rig.sender.Post({SentAlert("B")}));
  rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started.size(), 4U);  // no further token
  refusals = 2;
  ASSERT_TRUE(rig.sender.Post({SentAlert("C")}));
  rig.sender.RunOnceForTest();
  ASSERT_TRUE(rig.sender.Post({SentAlert("D")}));
  for (int i = 0; i < 2; ++i) rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started.size(), 8U);  // it is too new to be dropped
  clock.Advance(60'000);
  refusals = 2;
  ASSERT_TRUE(rig.sender.Post({SentAlert("E")}));
  rig.sender.RunOnceForTest();
  ASSERT_TRUE(rig.sender.Post({SentAlert("F")}));
  for (int i = 0; i < 2; ++i) rig.sender.RunOnceForTest();
  ASSERT_EQ(rig.client->started.size(), 13U);
  EXPECT_EQ(rig.client->started[10].url, http->oauth2.token_url);
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 4U);
  EXPECT_EQ(rig.sender.stats().at(kAmOne).errors, 2U);
}

TEST(AlertmanagerSender, SendsNothingWhenTheTokenComesTooLate) {
  bool allowed = true;
  AlertmanagerSender::Options options;
  options.may_send = [&] { return allowed; };
  SenderRig rig(options);
  auto http = std::make_shared<config::HttpClientConfig>();
  http->has_oauth2 = true;
  http->oauth2.token_url = "http://auth.example/token";
  AlertmanagerSet set;
  set.urls = {kAmOne};
  set.http = http;
  rig.sender.SetAlertmanagers({set});
  rig.client->answer = [&](const http::ClientRequest&) -> Result<http::ClientResponse> {
    allowed = false;
    http::ClientResponse response;
    response.status = 200;
    response.body = R"({"access_token":"t"})";
    return response;
  };
  ASSERT_TRUE(rig.sender.Post({SentAlert("A")}));
  for (int i = 0; i < 2; ++i) rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(rig.sender.stats().at(kAmOne).dropped, 1U);
}

TEST(AlertmanagerSender, SaysWhyThereIsNoToken) {
  SenderRig rig;
  auto http = std::make_shared<config::HttpClientConfig>();
  http->has_oauth2 = true;
  http->oauth2.client_id = "i";
  AlertmanagerSet set;
  set.urls = {kAmOne, kAmTwo};
  set.http = http;
  rig.sender.SetAlertmanagers({set});
  rig.status = 500;
  ASSERT_TRUE(rig.sender.Post({SentAlert("A")}));
  rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(rig.sender.stats().at(kAmOne).errors, 1U);
  EXPECT_EQ(rig.sender.stats().at(kAmTwo).errors, 1U);
}

TEST(AlertmanagerSender, SignsForAws) {
  ManualClock clock(1'770'091'506'000);
  AlertmanagerSender::Options options;
  options.clock = &clock;
  SenderRig rig(options);
  auto sigv4 = std::make_shared<config::Sigv4Config>();
  sigv4->region = "eu-west-1";
  sigv4->access_key = "AK";
  sigv4->secret_key.value = "SK";
  AlertmanagerSet set;
  set.urls = {kAmOne};
  set.sigv4 = sigv4;
  rig.sender.SetAlertmanagers({set});
  ASSERT_TRUE(rig.sender.Post({SentAlert("A")}));
  rig.sender.RunOnceForTest();
  ASSERT_EQ(rig.client->started.size(), 1U);
  http::ClientRequest again = rig.client->started[0];
  const std::string signed_with = std::string(again.headers.Get("Authorization"));
  EXPECT_TRUE(
      signed_with.starts_with("AWS4-HMAC-SHA256 Credential=AK/20260203/eu-west-1/aps/"
                              "aws4_request, SignedHeaders=content-type;host;user-agent;"
                              "x-amz-date, Signature="))
      << signed_with;
  // Signed as it was sent.
  http::Headers headers;
  for (const auto& [name, value] : again.headers.items()) {
    if (name != "Authorization" && name != "X-Amz-Date") headers.Add(name, value);
  }
  again.headers = headers;
  http::SignAwsRequest({"AK", "SK", ""}, "eu-west-1", "aps", clock.Now(), &again);
  EXPECT_EQ(again.headers.Get("Authorization"), signed_with);
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 1U);
  // No longer.
  set.sigv4 = nullptr;
  rig.sender.SetAlertmanagers({set});
  ASSERT_TRUE(rig.sender.Post({SentAlert("B")}));
  rig.sender.RunOnceForTest();
  EXPECT_FALSE(rig.client->started[1].headers.Has("Authorization"));
}

TEST(AlertmanagerSender, SendsBatchesOneAfterTheOther) {
  SenderRig rig;
  rig.Serve({kAmOne});
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 600)));
  for (size_t i = 0; i < 3; ++i) rig.sender.RunOnceForTest();
  ASSERT_EQ(rig.client->started.size(), 3U);
  EXPECT_EQ(rig.AlertsIn(0), 256U);
  EXPECT_EQ(rig.AlertsIn(1), 256U);
  EXPECT_EQ(rig.AlertsIn(2), 88U);
}

TEST(AlertmanagerSender, DropsTheOldestWhenAQueueIsFull) {
  AlertmanagerSender::Options options;
  options.queue_capacity = 3;
  SenderRig rig(options);
  rig.Serve({kAmOne});
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 5)));
  EXPECT_EQ(rig.sender.stats().at(kAmOne).dropped, 2U);
  rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started[0].body.find("\"A1\""), std::string::npos);
  EXPECT_NE(rig.client->started[0].body.find("\"A2\""), std::string::npos);
}

TEST(AlertmanagerSender, DoesNotRepeatABatchThatFailed) {
  SenderRig rig;
  rig.Serve({kAmOne});
  rig.status = 500;
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 2)));
  rig.sender.RunOnceForTest();
  rig.sender.RunOnceForTest();
  rig.status = 0;
  ASSERT_TRUE(rig.sender.Post(SentAlerts(2, 3)));
  rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.client->started.size(), 2U);
  const AlertmanagerStats stats = rig.sender.stats().at(kAmOne);
  EXPECT_EQ(stats.errors, 3U);
  EXPECT_EQ(stats.dropped, 3U);
  EXPECT_EQ(stats.sent, 0U);
}

TEST(AlertmanagerSender, RulesOfASetConcernItsAlertmanagersOnly) {
  SenderRig rig;
  AlertmanagerSet plain;
  plain.urls = {kAmOne};
  AlertmanagerSet picky;
  picky.urls = {kAmTwo, kAmOne};  // the first set keeps kAmOne
  picky.alert_relabel_configs = {DropAlert("A0")};
  rig.sender.SetAlertmanagers({plain, picky});
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 2)));
  rig.sender.RunOnceForTest();
  EXPECT_EQ(rig.AlertsIn(0), 2U);
  EXPECT_EQ(rig.AlertsIn(1), 1U);
}

TEST(AlertmanagerSender, QueuesOutliveAReload) {
  SenderRig rig;
  rig.Serve({kAmOne, kAmTwo});
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 2)));
  rig.Serve({kAmTwo});
  EXPECT_EQ(rig.sender.stats().size(), 1U);
  EXPECT_EQ(rig.sender.stats().at(kAmTwo).queue_length, 2U);
}

TEST(AlertmanagerSender, StopSendsWhatIsQueuedAndGivesUpOnTheDead) {
  SenderRig rig;
  rig.Serve({kAmOne, kAmTwo});
  rig.client->answer = [](const http::ClientRequest& request) -> Result<http::ClientResponse> {
    if (request.url == kAmTwo) return Unavailable("connection refused");
    http::ClientResponse response;
    response.status = 202;
    return response;
  };
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 600)));
  rig.sender.Stop();
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 600U);
  EXPECT_EQ(rig.sender.stats().at(kAmTwo).sent, 0U);
  EXPECT_FALSE(rig.sender.Post(SentAlerts(0, 1)));
}

TEST(AlertmanagerSender, StopTriesThoseThatFailedBeforeOnceMore) {
  SenderRig rig;
  rig.Serve({kAmOne});
  rig.status = 500;
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 1)));
  rig.sender.RunOnceForTest();
  rig.status = 200;
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 600)));
  rig.sender.Stop();
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 600U);
}

TEST(AlertmanagerSender, StopWaitsForTenSecondsInAll) {
  ManualClock clock;
  AlertmanagerSender::Options options;
  options.clock = &clock;
  SenderRig rig(options);
  rig.Serve({kAmOne});
  rig.client->answer = [&](const http::ClientRequest&) -> Result<http::ClientResponse> {
    clock.Advance(4'000);  // each takes so long
    http::ClientResponse response;
    response.status = 200;
    return response;
  };
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 2'000)));
  rig.sender.Stop();
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 3U * 256);
}

TEST(AlertmanagerSender, StopDropsWhatIsQueuedWhenToldSo) {
  AlertmanagerSender::Options options;
  options.drain_on_stop = false;
  SenderRig rig(options);
  rig.Serve({kAmOne});
  ASSERT_TRUE(rig.sender.Post(SentAlerts(0, 2)));
  rig.sender.Stop();
  EXPECT_EQ(rig.sender.stats().at(kAmOne).sent, 0U);
}

}  // namespace
}  // namespace vigil::notify
