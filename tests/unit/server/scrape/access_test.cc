// SPDX-License-Identifier: Apache-2.0
// Tokens before pages, and the log of what could not be fetched; more of tokens is in
// tests/scripts/scrape/oauth2.txt.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "client-lib/base/files.h"
#include "tests/support/scrape_rig.h"

namespace vigil::scrape {
namespace {

using testing_support::FakeAsyncClient;
using testing_support::ScrapeRig;

const std::vector<std::string> kTokenJob = {
    "oauth2: {client_id: i, client_secret: s, token_url: 'http://auth/t'}", "scrape_interval: 10s"};

FakeAsyncClient::Answer TokenThenPage() {
  return [](const http::ClientRequest& request) -> Result<http::ClientResponse> {
    http::ClientResponse response;
    response.status = 200;
    const bool token = request.url == "http://auth/t";
    response.content_type = token ? "application/json" : "text/plain";
    response.body = token ? "{\"access_token\":\"t\"}" : "x 1\n";
    return response;
  };
}

// How many requests went there.
size_t CountTo(const FakeAsyncClient& client, std::string_view url) {
  return static_cast<size_t>(std::count_if(client.started.begin(), client.started.end(),
                                           [&](const auto& one) { return one.url == url; }));
}

TEST(ScrapeToken, IsFetchedOnceForAllTargetsOfAJob) {
  ScrapeRig rig;
  const auto job = ScrapeRig::MakeJob(kTokenJob);
  const LoopTarget a = ScrapeRig::MakeTarget(job, "a:1");
  const LoopTarget b = ScrapeRig::MakeTarget(job, "b:1");
  const LoopTarget open = ScrapeRig::MakeTarget(ScrapeRig::MakeJob({}), "open:1");
  rig.SetTargets({a, b, open});
  rig.clock.Advance(10'000);  // all of them are due
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(CountTo(*rig.client, "http://auth/t"), 1U);
  // Nobody waits who needs no token.
  EXPECT_EQ(CountTo(*rig.client, "http://open:1/metrics"), 1U);
  EXPECT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[0].timeout_ms, 10'000);
  rig.client->answer = TokenThenPage();
  rig.loop->RunOnceForTest(0);
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(rig.client->started.size(), 4U);
  EXPECT_EQ(a.status->Get().health, TargetHealth::kUp) << a.status->Get().last_error;
  EXPECT_EQ(b.status->Get().health, TargetHealth::kUp) << b.status->Get().last_error;
  EXPECT_EQ(rig.client->started[3].options->authorization, "Bearer t");
}

TEST(ScrapeToken, ThatTakesItsTimeLeavesLessForThePage) {
  ScrapeRig rig;
  const LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(kTokenJob));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  rig.clock.Advance(4'000);
  rig.client->answer = TokenThenPage();
  rig.loop->RunOnceForTest(0);
  ASSERT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[1].timeout_ms, 6'000);
}

TEST(ScrapeToken, ThatComesTooLateIsForTheNextScrape) {
  ScrapeRig rig;
  const LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(kTokenJob));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  rig.Scrape(target, nullptr);
  EXPECT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(rig.loop->stats().skipped, 0U);
  EXPECT_EQ(rig.loop->stats().failures, 1U);
  EXPECT_EQ(target.status->Get().last_error,
            "Get \"http://host:1/metrics\": context deadline exceeded");
  rig.client->answer = TokenThenPage();
  for (int i = 0; i < 2; ++i) rig.loop->RunOnceForTest(0);
  ASSERT_EQ(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[1].timeout_ms, 10'000);
  EXPECT_EQ(target.status->Get().health, TargetHealth::kUp) << target.status->Get().last_error;
}

TEST(ScrapeToken, HasTheTimeOfTheJobForAllItsForms) {
  ScrapeRig rig;
  LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(kTokenJob));
  auto hasty = std::make_shared<TargetSpec>(*target.spec);
  hasty->timeout = 500;
  target.spec = hasty;
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  ASSERT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(rig.client->started[0].timeout_ms, 10'000);
  rig.clock.Advance(4'000);
  rig.client->answer = [](const http::ClientRequest&) -> Result<http::ClientResponse> {
    http::ClientResponse response;
    response.status = 401;
    return response;
  };
  rig.loop->RunOnceForTest(0);
  ASSERT_GE(rig.client->started.size(), 2U);
  EXPECT_EQ(rig.client->started[1].timeout_ms, 6'000);
}

TEST(ScrapeToken, IsOfNoUseToATargetThatIsGone) {
  ScrapeRig rig;
  const LoopTarget target = ScrapeRig::MakeTarget(ScrapeRig::MakeJob(kTokenJob));
  rig.SetTargets({target});
  rig.Scrape(target, nullptr);
  rig.SetTargets({});
  rig.client->answer = TokenThenPage();
  rig.loop->RunOnceForTest(0);
  EXPECT_EQ(rig.client->started.size(), 1U);
  EXPECT_EQ(target.status->Get().health, TargetHealth::kUnknown);
}

TEST(ScrapeFailureLog, HasALinePerFailure) {
  const std::string path = ::testing::TempDir() + "vigil_scrape_failures";
  remove(path.c_str());
  ScrapeRig rig;
  const LoopTarget target =
      ScrapeRig::MakeTarget(ScrapeRig::MakeJob({"scrape_failure_log_file: " + path}));
  rig.loop->SetFailureLog(std::make_shared<const FailureLog>(std::set<std::string>{path}));
  rig.SetTargets({target});
  rig.Scrape(target, FakeAsyncClient::Fail(Unavailable("Get \"http://host:1/metrics\": EOF")));
  rig.Scrape(target, FakeAsyncClient::Page("x 1\n"));
  const auto text = ReadFile(path);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->substr(text->find(",\"level\"")),
            R"(,"level":"ERROR","msg":"Get \"http://host:1/metrics\": EOF","job_name":"j",)"
            R"("target":"http://host:1/metrics"})"
            "\n");
}

}  // namespace
}  // namespace vigil::scrape
