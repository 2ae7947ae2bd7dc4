// SPDX-License-Identifier: Apache-2.0
#include "server/notify/http_notifier.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <future>

#include "client-lib/base/files.h"
#include "client-lib/http/server.h"
#include "tests/unit/server/notify/notify_rig.h"

namespace vigil::notify {
namespace {

constexpr const char* kOneHook = "webhook_configs: [{url: 'http://hook.example/x'}]";

alerting::Outgoing HookGroup() {
  return NotifyRig::Group(NotifyRig::TwoAlerts(true, true), "webhook");
}

// A file that is gone with the test.
class SecretFile {
 public:
  explicit SecretFile(const std::string& text) {
    std::string pattern = ::testing::TempDir() + "vigil_secret_XXXXXX";
    const int fd = mkstemp(pattern.data());
    EXPECT_GE(fd, 0);
    close(fd);
    path_ = pattern;
    Write(text);
  }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile() { unlink(path_.c_str()); }
  void Write(const std::string& text) const { EXPECT_TRUE(WriteFileAtomically(path_, text)); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(HttpNotifier, SaysThatAnIntegrationIsNotThere) {
  NotifyRig rig;
  const auto before = rig.Try(HookGroup());
  ASSERT_TRUE(before);
  EXPECT_EQ(before->outcome.verdict, SendVerdict::kFinal);
  EXPECT_EQ(before->outcome.error, "there is no integration team.a/webhook/0");
}

TEST(HttpNotifier, KeepsTheConfigurationBeforeOnAnError) {
  NotifyRig rig;
  rig.Configure(kOneHook);
  const SecretFile broken("{{ define \"x\" }}");
  alerting::AlertingConfig config;
  config.templates = {broken.path()};
  const auto applied = rig.notifier.Apply(std::make_shared<const alerting::AlertingConfig>(config));
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message.find("unexpected EOF"), std::string::npos)
      << applied.error().message;
  rig.TrySent("webhook");
}

TEST(HttpNotifier, TemplateFilesReplaceTheBuiltInOnes) {
  NotifyRig rig;
  const SecretFile file("{{ define \"discord.default.title\" }}mine {{ .Status }}{{ end }}");
  rig.Configure("discord_configs: [{webhook_url: 'http://d.example', message: m}]",
                "templates: ['" + file.path() + "*']");
  rig.TrySent("discord");
  EXPECT_NE(rig.last().body.find(R"("title":"mine firing")"), std::string::npos) << rig.last().body;
}

TEST(HttpNotifier, AMessageGoesByTheConfigurationOfItsTime) {
  NotifyRig rig;
  rig.Configure(kOneHook);
  std::optional<SendOutcome> outcome;
  rig.notifier.Send(HookGroup(), [&](uint64_t, SendOutcome o, const StringMap&) { outcome = o; });
  rig.Configure("webhook_configs: [{url: 'http://other.example/'}]");
  rig.notifier.RunOnceForTest();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(rig.last().url, "http://hook.example/x");
}

TEST(HttpNotifier, LimitsARequestByWhatIsLeftOfTheTime) {
  NotifyRig rig;
  rig.Configure("webhook_configs: [{url: 'http://hook.example/x', timeout: 4s}]");
  rig.TrySent("webhook");
  EXPECT_EQ(rig.last().timeout_ms, 4'000);
  alerting::Outgoing late = HookGroup();
  late.deadline = kRigNow + 1'500;
  ASSERT_TRUE(rig.Try(std::move(late)));
  EXPECT_EQ(rig.last().timeout_ms, 1'500);
}

TEST(HttpNotifier, SendsNothingWhenTheTimeIsOver) {
  NotifyRig rig;
  rig.Configure(kOneHook);
  alerting::Outgoing late = HookGroup();
  late.deadline = kRigNow;
  const auto result = rig.Try(std::move(late));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome.verdict, SendVerdict::kRetry);
  EXPECT_EQ(result->outcome.error, "context deadline exceeded");
  EXPECT_TRUE(rig.requests().empty());
}

TEST(HttpNotifier, StopAnswersWhatIsUnderWayAndWhatComesLater) {
  NotifyRig rig;
  rig.Configure(kOneHook);
  rig.HoldAnswers();
  std::vector<std::string> errors;
  const auto note = [&](uint64_t, const SendOutcome& outcome, const StringMap&) {
    EXPECT_EQ(outcome.verdict, SendVerdict::kRetry);
    errors.push_back(outcome.error);
  };
  rig.notifier.Send(HookGroup(), note);
  rig.notifier.RunOnceForTest();
  rig.notifier.Send(HookGroup(), note);  // not begun
  rig.notifier.Stop();
  rig.notifier.Send(HookGroup(), note);
  EXPECT_EQ(errors, std::vector<std::string>(3, "the server is stopping"));
}

TEST(HttpNotifier, AnIntegrationHasSoManyMessagesUnderWayAndNoMore) {
  NotifyRig rig;
  rig.Configure(kOneHook);
  rig.HoldAnswers();
  size_t done = 0;
  for (int i = 0; i < 100; ++i) {
    rig.notifier.Send(HookGroup(), [&](uint64_t, const SendOutcome&, const StringMap&) { ++done; });
  }
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(rig.requests().size(), 64U);
  rig.GiveAnswers();
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(done, 64U);
  rig.HoldAnswers();
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(rig.requests().size(), 100U);
  rig.notifier.Stop();
  EXPECT_EQ(done, 100U);
}

TEST(HttpNotifier, SendsCredentialsAndHeadersOfHttpConfig) {
  NotifyRig rig;
  const SecretFile password("first\n");
  rig.Configure(
      "webhook_configs: [{url: 'http://hook.example/x', http_config: {basic_auth: "
      "{username: u, password_file: '" +
      password.path() +
      "'}, follow_redirects: false, proxy_url: 'http://proxy.example:3128', "
      "proxy_connect_header: {X-P: [a]}, http_headers: {X-H: {values: [v], secrets: "
      "[s]}}, tls_config: {insecure_skip_verify: true, min_version: TLS13}}}]");
  rig.TrySent("webhook");
  const http::ClientOptions first = *rig.last().options;
  EXPECT_EQ(first.basic_auth_username, "u");
  EXPECT_EQ(first.basic_auth_password, "first");
  EXPECT_FALSE(first.follow_redirects);
  EXPECT_EQ(first.proxy_url, "http://proxy.example:3128");
  ASSERT_EQ(first.proxy_headers.size(), 1U);
  EXPECT_EQ(first.proxy_headers[0].second, "a");
  ASSERT_EQ(first.headers.size(), 2U);
  EXPECT_EQ(first.headers[1].second, "s");
  EXPECT_TRUE(first.insecure_skip_verify);
  EXPECT_EQ(first.min_tls_version, 13);
  password.Write("second");
  rig.TrySent("webhook");
  EXPECT_EQ(rig.last().options->basic_auth_password, "second");
}

constexpr const char* kOAuthHook =
    "webhook_configs: [{url: 'http://hook.example/x', http_config: {oauth2: {client_id: 'me you', "
    "client_secret: 's+', scopes: [a, b], token_url: 'http://auth.example/token', "
    "endpoint_params: {audience: x}}}}]";

TEST(HttpNotifier, FetchesATokenOnceAndAgainWhenItIsRefusedOrOld) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  rig.Answer(200, R"({"access_token":"t1","token_type":"bearer","expires_in":100})");
  rig.Answer(200, "");
  rig.Answer(401, "expired");
  rig.Answer(200, R"({"access_token":"t2"})");
  rig.Answer(200, "");
  rig.TrySent("webhook");
  ASSERT_EQ(rig.requests().size(), 2U);
  const http::ClientRequest& token = rig.requests()[0];
  EXPECT_EQ(token.url, "http://auth.example/token");
  EXPECT_EQ(token.body, "audience=x&grant_type=client_credentials&scope=a+b");
  EXPECT_EQ(token.options->basic_auth_username, "me+you");
  EXPECT_EQ(token.options->basic_auth_password, "s%2B");
  EXPECT_EQ(rig.last().options->authorization, "Bearer t1");
  rig.clock.Advance(60'000);  // a token that is new is not dropped
  const auto refused = rig.Try(HookGroup());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->outcome.verdict, SendVerdict::kFinal);
  EXPECT_EQ(rig.requests().size(), 3U);
  rig.TrySent("webhook");
  EXPECT_EQ(rig.requests().size(), 5U);
  EXPECT_EQ(rig.last().options->authorization, "Bearer t2");
}

TEST(HttpNotifier, ATokenIsFetchedAnewBeforeItRunsOut) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  rig.Answer(200, R"({"access_token":"t1","expires_in":100})");
  rig.TrySent("webhook");
  rig.clock.Advance(80'000);
  rig.TrySent("webhook");
  EXPECT_EQ(rig.requests().size(), 3U);
  rig.clock.Advance(11'000);
  rig.TrySent("webhook");
  EXPECT_EQ(rig.requests().size(), 5U);
}

TEST(HttpNotifier, SaysWhyThereIsNoToken) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  rig.Answer(403, R"({"error":"no"})");
  const auto result = rig.Try(HookGroup());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outcome.verdict, SendVerdict::kRetry);
  EXPECT_EQ(result->outcome.error,
            "oauth2: cannot fetch token: 403 Forbidden\nResponse: {\"error\":\"no\"}");
  // The secret in the form was tried as well.
  ASSERT_EQ(rig.requests().size(), 2U);
  EXPECT_EQ(rig.last().options->basic_auth_username, "");
  EXPECT_EQ(
      rig.last().body,
      "audience=x&client_id=me+you&client_secret=s%2B&grant_type=client_credentials&scope=a+b");
  // For five seconds that is the answer to all.
  rig.clock.Advance(4'999);
  const auto again = rig.Try(HookGroup());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outcome.error, result->outcome.error);
  EXPECT_EQ(rig.requests().size(), 2U);
  rig.clock.Advance(1);
  ASSERT_TRUE(rig.Try(HookGroup()));
  EXPECT_EQ(rig.requests().size(), 4U);
}

TEST(HttpNotifier, OneFetchesTheTokenForAll) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  rig.Answer(503, "");
  rig.Answer(200, R"({"access_token":"t1"})");
  rig.HoldAnswers();
  size_t sent = 0;
  size_t failed = 0;
  const auto note = [&](uint64_t, const SendOutcome& outcome, const StringMap&) {
    ++(outcome.verdict == SendVerdict::kSent ? sent : failed);
  };
  for (int i = 0; i < 5; ++i) rig.notifier.Send(HookGroup(), note);
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(rig.requests().size(), 1U);
  EXPECT_EQ(rig.last().timeout_ms, 30'000);
  rig.GiveAnswers();
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(failed, 5U);
  rig.HoldAnswers();
  for (int i = 0; i < 5; ++i) rig.notifier.Send(HookGroup(), note);
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(rig.requests().size(), 2U);
  rig.GiveAnswers();
  rig.notifier.RunOnceForTest();
  rig.notifier.RunOnceForTest();
  EXPECT_EQ(sent, 5U);
  EXPECT_EQ(rig.requests().size(), 7U);
}

TEST(HttpNotifier, StopAnswersThoseThatWaitForAToken) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  rig.HoldAnswers();
  size_t retries = 0;
  for (int i = 0; i < 3; ++i) {
    rig.notifier.Send(HookGroup(), [&](uint64_t, const SendOutcome& outcome, const StringMap&) {
      retries += outcome.verdict == SendVerdict::kRetry ? 1 : 0;
    });
  }
  rig.notifier.RunOnceForTest();
  rig.notifier.Stop();
  EXPECT_EQ(retries, 3U);
}

TEST(HttpNotifier, CutsLongErrors) {
  NotifyRig rig;
  rig.Configure(kOAuthHook);
  std::string page;
  for (int i = 0; i < 5000; ++i) page += "ä";
  rig.AnswerError(Unavailable(page));
  const auto result = rig.Try(HookGroup());
  ASSERT_TRUE(result);
  EXPECT_LE(result->outcome.error.size(), 2048U);
  EXPECT_TRUE(result->outcome.error.ends_with("ä…"));
}

TEST(HttpNotifier, PagerdutyEventsOfVeryLargeGroupsHaveANote) {
  NotifyRig rig;
  std::string huge;  // above the 16 MiB of a template
  for (int i = 0; i < 20; ++i) huge += "{{ printf \"%999999d\" 1 }}";
  rig.Configure("pagerduty_configs: [{routing_key: k, details: {x: '" + huge + "'}}]");
  rig.TrySent("pagerduty");
  EXPECT_NE(rig.last().body.find("Custom details have been removed"), std::string::npos);
}

// A real server, a real client, the thread at work.
TEST(HttpNotifier, SendsOverTheNetwork) {
  std::promise<std::string> body;
  http::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  auto server = http::Server::Start(std::move(options), [&](const http::Request& request) {
    body.set_value(request.body);
    return http::Response::Text(200, "ok");
  });
  ASSERT_TRUE(server) << server.error().message;
  HttpNotifier notifier({.external_url = "http://vigil.example"});
  auto config = alerting::LoadAlertingText(
      "route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{api_url: "
      "'http://127.0.0.1:" +
          std::to_string((*server)->ports()[0]) + "/hook', channel: c}]}]",
      "alertmanager.yml");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(notifier.Apply(std::make_shared<const alerting::AlertingConfig>(std::move(*config))));
  notifier.Start();
  alerting::Outgoing message = NotifyRig::Group(NotifyRig::TwoAlerts(true, true), "slack");
  message.integration.receiver = "r";
  message.deadline = Clock::System().Now() + 20'000;
  std::promise<SendOutcome> outcome;
  notifier.Send(std::move(message), [&](uint64_t, SendOutcome o, const StringMap&) {
    outcome.set_value(std::move(o));
  });
  auto waiting = outcome.get_future();
  ASSERT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const SendOutcome result = waiting.get();
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.verdict, SendVerdict::kSent);
  EXPECT_NE(body.get_future().get().find(R"("channel":"c")"), std::string::npos);
  notifier.Stop();
  (*server)->Stop();
}

}  // namespace
}  // namespace vigil::notify
