// SPDX-License-Identifier: Apache-2.0
// tests/scripts/alertmanager_api: requests of clients in turn, and the answers.
//   at 5s                          moves the clock and lets alerting do what is due
//   GET /api/v2/alerts?active=no   POST /api/v2/silences {...}   also Header:value before the body
// An answer is its status and its body. Silences get the ids ...0001, ...0002.
#include "server/web/alertmanager_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "client-lib/base/strings.h"
#include "client-lib/http/server.h"
#include "client-lib/model/duration.h"
#include "server/alerting/config_loader.h"
#include "tests/support/script_cases.h"

namespace vigil::web {
namespace {

constexpr TimestampMs kApiStart = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

// Keeps nothing.
class ForgetfulStore : public alerting::StateStore {
 public:
  Result<alerting::AlertingState> Load() override { return alerting::AlertingState(); }
  Result<void> Save(const alerting::AlertingChanges&) override { return Ok(); }
  Result<void> SaveGroups(const std::vector<alerting::GroupState>&) override { return Ok(); }
};

// All receivers are content at once.
class ContentNotifier : public alerting::Notifier {
 public:
  void Send(alerting::Outgoing message, Done done) override { done(message.id, {}, {}); }
  Result<void> Apply(std::shared_ptr<const alerting::AlertingConfig>) override { return Ok(); }
  void Stop() override {}
};

constexpr std::string_view kApiConfig = R"(
global: {smtp_auth_password: hush, smtp_from: a@b, smtp_smarthost: 'h:25'}
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {receiver: db, matchers: [team=db], continue: true, labels: {tier: two}}
  - {receiver: night, matchers: [team=night], mute_time_intervals: [always]}
  - {receiver: ops, matchers: ['team=~"db|web"']}
receivers:
- {name: ops, webhook_configs: [{url: 'http://h/'}]}
- {name: db, labels: {owner: dba}}
- {name: night}
inhibit_rules:
- {source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [alertname]}
time_intervals: [{name: always, time_intervals: [{}]}]
)";

// Threads: owner thread only.
class ApiRig {
 public:
  explicit ApiRig(bool on, alerting::MatcherMode mode = alerting::MatcherMode::kFallback) {
    Result<alerting::AlertingConfig> config =
        alerting::LoadAlertingText(kApiConfig, "alertmanager.yml");
    CHECK(config.has_value());
    alerting::AlertingService::Options options;
    options.own_thread = false;
    options.router.silences.mode = mode;
    options.router.silences.new_id = [this] {
      return fmt::format("00000000-0000-4000-8000-{:012}", ++silences_);
    };
    service_ = std::make_unique<alerting::AlertingService>(
        std::make_shared<const alerting::AlertingConfig>(*std::move(config)), std::move(options),
        store_, notifier_, clock_);
    CHECK(service_->Start().has_value());
    api_ = std::make_unique<AlertmanagerApi>(on ? service_.get() : nullptr, clock_, nullptr,
                                             [this] { return silenced; });
    constexpr std::string_view kMethods = "GET,POST,PUT,DELETE,PATCH,OPTIONS";
    for (const AlertmanagerApi::Endpoint& endpoint : AlertmanagerApi::Endpoints()) {
      router_.Add(kMethods, endpoint.path, [this, &endpoint](const http::Request& request) {
        return api_->Handle(endpoint, request);
      });
    }
    router_.Add(kMethods, "/api/v2/*",
                [this](const http::Request& request) { return api_->HandleRest(request); });
  }

  // One line of a case; the answer of a request.
  std::string Run(std::string_view line) {
    const std::vector<std::string_view> words = Fields(line);
    if (words[0] == "at") {
      const TimestampMs when = kApiStart + ParseGoDuration(words[1]).value();
      clock_.Advance(when - clock_.Now());
      static_cast<void>(service_->RunOnce());
      return {};
    }
    http::Request request;
    request.method = words[0];
    request.raw_path = words[1].substr(0, words[1].find('?'));
    request.path = request.raw_path;
    if (words[1].find('?') != std::string_view::npos) {
      request.query = words[1].substr(words[1].find('?') + 1);
    }
    std::string_view rest = TrimSpace(line.substr(line.find(words[1]) + words[1].size()));
    while (!rest.empty() && std::isupper(static_cast<unsigned char>(rest[0])) != 0) {
      const std::string_view header = rest.substr(0, rest.find(' '));
      request.headers.Set(std::string(header.substr(0, header.find(':'))),
                          std::string(header.substr(header.find(':') + 1)));
      rest = TrimSpace(rest.substr(header.size()));
    }
    if (!request.headers.Has("Content-Type")) {
      request.headers.Set("Content-Type", "application/json");
    }
    request.body = rest;
    return AnswerText(router_.Dispatch(request));
  }

  bool silenced = false;  // another server notifies

 private:
  static std::string AnswerText(const http::Response& response) {
    std::string body = response.body;
    if (response.stream) {
      EXPECT_TRUE(response.stream([&](std::string_view piece) {
        body += piece;
        return true;
      }));
    }
    std::string text = std::to_string(response.status);
    if (const auto pause = response.headers.Get("Retry-After"); !pause.empty()) {
      text += " again in " + std::string(pause);
    }
    if (const auto allow = response.headers.Get("Allow"); !allow.empty()) {
      text += " [" + std::string(allow) + "]";
    }
    return text + " " + std::string(TrimSpace(body));
  }

  ManualClock clock_{kApiStart};
  ForgetfulStore store_;
  ContentNotifier notifier_;
  std::unique_ptr<alerting::AlertingService> service_;
  std::unique_ptr<AlertmanagerApi> api_;
  http::Router router_;
  int silences_ = 0;
};

std::vector<std::string> RunApiCase(const testing_support::ScriptCase& one) {
  ApiRig rig(one.title != "alerting is off", one.title.ends_with("in classic mode")
                                                 ? alerting::MatcherMode::kClassic
                                                 : alerting::MatcherMode::kFallback);
  std::vector<std::string> out;
  for (const std::string& line : one.input) {
    if (std::string answer = rig.Run(line); !answer.empty()) {
      out.push_back(std::string(TrimSpace(answer)));
    }
  }
  return out;
}

TEST(AlertmanagerApi, AnswersAsUpstream) {
  testing_support::RunScripts("alertmanager_api", &RunApiCase);
}

// It would keep to itself what another one has to tell.
TEST(AlertmanagerApi, TakesNoAlertsWhileAnotherServerNotifies) {
  ApiRig rig(true);
  const std::string post = R"(POST /api/v2/alerts [{"labels":{"alertname":"a"}}])";
  EXPECT_EQ(rig.Run(post), "200 ");
  rig.silenced = true;
  // Also one that is known.
  EXPECT_EQ(rig.Run(post),
            "503 again in 1 \"another server leads and this one cannot reach the database: send "
            "alerts to the other one\"");
  EXPECT_TRUE(rig.Run("GET /api/v2/alerts").starts_with("200 "));
  rig.silenced = false;
  EXPECT_EQ(rig.Run(post), "200 ");
}

TEST(AlertmanagerApi, SendsLongListsWhileTheyAreWritten) {
  ApiRig rig(true);
  std::string body = "POST /api/v2/alerts [";
  for (int i = 0; i < 5000; ++i) {
    body += fmt::format("{}{{\"labels\":{{\"alertname\":\"a\",\"instance\":\"host-{}\"}}}}",
                        i == 0 ? "" : ",", i);
  }
  ASSERT_EQ(rig.Run(body + "]"), "200 ");
  const auto count = [&](std::string_view path) {
    const std::string answer = rig.Run("GET " + std::string(path));
    size_t found = 0;
    for (size_t at = 0; (at = answer.find("\"fingerprint\"", at)) != std::string::npos; ++at) {
      ++found;
    }
    EXPECT_TRUE(answer.ends_with("]")) << answer.substr(answer.size() - 20);
    return found;
  };
  EXPECT_EQ(count("/api/v2/alerts"), 5000U);
  EXPECT_EQ(count("/api/v2/alerts/groups"), 5000U);
  EXPECT_EQ(count("/api/v2/alerts?filter=instance=host-77"), 1U);
}

}  // namespace
}  // namespace vigil::web
