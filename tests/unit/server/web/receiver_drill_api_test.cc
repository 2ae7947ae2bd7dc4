// SPDX-License-Identifier: Apache-2.0
#include "server/web/receiver_drill_api.h"

#include <gtest/gtest.h>

#include "server/alerting/config_loader.h"
#include "tests/support/memory_state_store.h"

namespace vigil::web {
namespace {

// The first integration is content, the second is not.
class MoodyNotifier : public alerting::FakeNotifier {
 public:
  void Send(alerting::Outgoing message, Done done) override {
    alerting::SendOutcome outcome;
    if (message.integration.index > 0) {
      outcome.verdict = alerting::SendVerdict::kFinal;
      outcome.error = "unexpected status code 404: <gone>";
      outcome.status = 404;
    }
    last = message;
    done(message.id, outcome, {});
  }
  alerting::Outgoing last;
};

class DrillApi : public testing::Test {
 protected:
  DrillApi() {
    auto config = alerting::LoadAlertingText(
        "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: 'http://h/'}, "
        "{url: 'http://i/'}]}]\n",
        "a.yml");
    CHECK(config.has_value());
    alerting::AlertingService::Options options;
    options.own_thread = false;
    service_ = std::make_unique<alerting::AlertingService>(
        std::make_shared<const alerting::AlertingConfig>(*std::move(config)), options, store_,
        notifier_, clock_);
  }
  // Status and body.
  std::string Post(const std::string& body, bool enabled = true,
                   const std::string& method = "POST") {
    http::Request request;
    request.method = method;
    request.body = body;
    const http::Response response = TestReceiver(service_.get(), enabled, request);
    return std::to_string(response.status) + " " + response.body;
  }

  ManualClock clock_{1'770'091'506'000};
  alerting::MemoryStateStore store_;
  MoodyNotifier notifier_;
  std::unique_ptr<alerting::AlertingService> service_;
};

TEST_F(DrillApi, SaysWhatCameOfEachMessage) {
  EXPECT_EQ(Post(R"({"receiver":"r","labels":{"team":"db"},"resolve":true,"timeout":"7s"})"),
            R"(200 [{"integration":"webhook","index":0,"status":"firing","result":"sent",)"
            R"("error":"","code":0,"durationSeconds":0},)"
            R"({"integration":"webhook","index":1,"status":"firing","result":"final",)"
            R"("error":"unexpected status code 404: \u003cgone\u003e","code":404,)"
            R"("durationSeconds":0},)"
            R"({"integration":"webhook","index":0,"status":"resolved","result":"sent",)"
            R"("error":"","code":0,"durationSeconds":0}])"
            "\n");
  EXPECT_EQ(notifier_.last.alerts[0]->labels.Get("team"), "db");
  EXPECT_EQ(notifier_.last.deadline, clock_.Now() + 7'000);
}

TEST_F(DrillApi, RefusesWhatIsNoDrill) {
  EXPECT_EQ(Post("{}", false),
            "403 \"admin APIs disabled: start the server with --web.enable-admin-api\"\n");
  EXPECT_EQ(Post("", true, "GET"), "405 \"method GET is not allowed\"\n");
  EXPECT_EQ(Post("{}"), "400 \"receiver is required\"\n");
  EXPECT_EQ(Post(R"({"receiver":"x"})"), "404 \"there is no receiver \\\"x\\\"\"\n");
  EXPECT_EQ(Post(R"({"receiver":"r","labels":{"a":1}})"), "400 \"labels.a is no string\"\n");
  EXPECT_EQ(Post(R"({"receiver":"r","timeout":"1h"})"),
            "400 \"timeout must be between 1ms and 5m\"\n");
  EXPECT_TRUE(Post("nonsense").starts_with("400 ")) << Post("nonsense");
  service_.reset();
  EXPECT_TRUE(Post("{}").starts_with("404 \"alerting is off"));
}

}  // namespace
}  // namespace vigil::web
