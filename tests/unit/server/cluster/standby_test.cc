// SPDX-License-Identifier: Apache-2.0
// A server that stands by, with a database that says what the test says: no PostgreSQL, no time.
#include "server/cluster/standby.h"

#include <gtest/gtest.h>

#include "client-lib/http/server.h"
#include "server/cluster/peer_roles.h"

namespace vigil::cluster {
namespace {

using Seen = Result<postgres::OwnerState>;

// What a test has seen of the watch, which the standby owns.
struct WatchLog {
  std::vector<std::string> beats;
  std::string farewell;
  bool disconnected = false;
};

class ScriptedWatch final : public OwnerWatch {
 public:
  ScriptedWatch(std::function<Seen(int)> ask, WatchLog* log) : ask_(std::move(ask)), log_(log) {}

  Seen Ask() override { return ask_(++questions_); }
  Result<void> Beat(const std::string& url, const std::string& instance) override {
    log_->beats.push_back(url + " " + instance);
    return Ok();
  }
  Result<void> SayFarewell(const std::string& url) override {
    log_->farewell = url;
    return Ok();
  }
  void Disconnect() override { log_->disconnected = true; }

 private:
  const std::function<Seen(int)> ask_;
  WatchLog* const log_;
  int questions_ = 0;
};

postgres::OwnerState OwnedBy(const std::string& url, int64_t epoch = 5) {
  postgres::OwnerState state;
  state.epoch = epoch;
  state.instance = "other:1";
  state.url = url;
  state.locked = true;
  state.lease_left_ms = 30'000;
  state.has_members = true;
  return state;
}

postgres::OwnerState StoppedInOrder() {
  postgres::OwnerState state = OwnedBy("");
  state.locked = false;
  state.lease_left_ms = 0;
  state.given_back = true;
  return state;
}

toolkit::AppInfo StandbyInfo() {
  toolkit::AppInfo info;
  info.program = "vigil-test";
  info.metric_name = "test";
  info.title = "Test";
  info.description = "Tests.";
  info.default_address = "127.0.0.1:0";
  info.has_prefix = true;
  info.healthy_text = "Healthy.\n";
  info.http_threads = 2;
  return info;
}

class StandbyTest : public testing::Test {
 protected:
  StandbyTest() {
    options_.ask_every_ms = 0;
    clock_.Advance(kBeginMs);
  }
  // Before the standby goes, which answers its requests.
  ~StandbyTest() override { app_.Stop(); }

  void Parse(std::vector<const char*> args = {}) {
    args.insert(args.begin(), "vigil-test");
    app_.ParseOrExit(static_cast<int>(args.size()), args.data());
  }

  // ask: by the number of the question, from 1 on; it may look at the pages.
  Result<Standby::Outcome> Run(std::function<Seen(int)> ask) {
    standby_ = std::make_unique<Standby>(
        app_, options_, std::make_unique<ScriptedWatch>(std::move(ask), &log_), clock_);
    return standby_->Run({.open =
                              [this](int64_t seen_epoch) {
                                opened_.push_back(seen_epoch);
                                opened_at_ms_.push_back(clock_.MonotonicNs() / 1'000'000 -
                                                        kBeginMs);
                                if (open_answers_.empty()) return Result<void>();
                                Result<void> answer = open_answers_.front();
                                open_answers_.erase(open_answers_.begin());
                                return answer;
                              },
                          .reload =
                              [this] {
                                ++reloads_;
                                return reload_answer_;
                              }});
  }

  http::ClientResponse Ask(const std::string& path, const std::string& method = "GET") {
    http::ClientRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(app_.ports().at(0)) + path;
    auto client = std::make_shared<http::ClientOptions>();
    client->follow_redirects = false;
    request.options = std::move(client);
    Result<http::ClientResponse> response = http::Fetch(std::move(request));
    EXPECT_TRUE(response) << response.error().message;
    return response ? *std::move(response) : http::ClientResponse();
  }

  static constexpr int64_t kBeginMs = 1'000;

  toolkit::App app_{StandbyInfo()};
  ManualClock clock_{1'000};
  Standby::Options options_{.instance = "me:1", .url = "http://me", .client = nullptr};
  WatchLog log_;
  std::vector<Result<void>> open_answers_;  // none left: it is this server's
  std::vector<int64_t> opened_;
  std::vector<int64_t> opened_at_ms_;
  int reloads_ = 0;
  Result<void> reload_answer_;
  std::unique_ptr<Standby> standby_;
};

TEST_F(StandbyTest, LeadsAtOnceWhereNobodyDoes) {
  Parse();
  const auto outcome = Run([](int) { return postgres::OwnerState(); });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(*outcome, Standby::Outcome::kLeads);
  EXPECT_EQ(opened_, (std::vector<int64_t>{0}));
  EXPECT_TRUE(app_.ports().empty());
  EXPECT_TRUE(log_.disconnected);
  EXPECT_TRUE(log_.beats.empty());
}

TEST_F(StandbyTest, EndsWithAnErrorThatDoesNotPass) {
  Parse();
  open_answers_ = {Internal("a newer schema")};
  const auto outcome = Run([](int) { return postgres::OwnerState(); });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "a newer schema");
}

TEST_F(StandbyTest, StandsByWhenSomebodyElseWasFaster) {
  Parse();
  open_answers_ = {Unavailable("another one has it")};
  const auto outcome = Run([&](int question) -> Seen {
    if (question == 1) return postgres::OwnerState();
    if (question < 4) return OwnedBy("http://other", 1);
    postgres::OwnerState gone = StoppedInOrder();
    gone.epoch = 1;
    return gone;
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(opened_, (std::vector<int64_t>{0, 1}));
  const std::string page = Ask("/metrics").body;
  EXPECT_NE(page.find("\nvigil_cluster_failovers_total 1\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nvigil_cluster_polls_total 4\n"), std::string::npos) << page;
}

TEST_F(StandbyTest, SaysWhoLeadsAndWhatItWaitsFor) {
  Parse();
  const auto outcome = Run([&](int question) -> Seen {
    if (question == 1) return OwnedBy("http://other");
    if (question > 2) return StoppedInOrder();
    EXPECT_EQ(Ask("/-/healthy").body, "Healthy.\n");
    const http::ClientResponse ready = Ask("/-/ready");
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(ready.body,
              "this server stands by: the database is owned by other:1 at http://other\n");
    EXPECT_EQ(ready.headers.Get("Retry-After"), "1");
    EXPECT_EQ(Ask("/-/role").body, RolePage(false, 5));
    EXPECT_EQ(Ask("/-/nothing").status, 404);
    EXPECT_EQ(Ask("/-/ready", "POST").status, 404);
    EXPECT_EQ(Ask("/api/v1/notifications/live").status, 204);
    const std::string page = Ask("/metrics").body;
    for (const char* line :
         {"vigil_cluster_role{role=\"standby\"} 1", "vigil_cluster_role{role=\"leader\"} 0",
          "vigil_cluster_epoch 5", "vigil_cluster_lease_seconds 30", "prometheus_ready 0",
          "vigil_cluster_owner_seen_seconds 0", "vigil_cluster_poll_failures_total 0"}) {
      EXPECT_NE(page.find("\n" + std::string(line) + "\n"), std::string::npos) << line;
    }
    return OwnedBy("http://other");
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(opened_, (std::vector<int64_t>{5}));
  // Until the routes of the leader answer.
  EXPECT_EQ(Ask("/-/role").body, RolePage(true, 6));
  EXPECT_EQ(Ask("/-/ready").body, "this server has taken the database over and is starting\n");
  EXPECT_EQ(Ask("/api/v1/query?query=1").status, 503);
  EXPECT_NE(Ask("/metrics").body.find("\nvigil_cluster_role{role=\"leader\"} 1\n"),
            std::string::npos);
}

TEST_F(StandbyTest, PassesRequestsOnAlsoWhileTheDatabaseDoesNotAnswer) {
  http::ServerOptions serving;
  serving.listen_addresses = {"127.0.0.1:0"};
  serving.threads = 2;
  const auto leader = http::Server::Start(std::move(serving), [](http::Request& request) {
                        return http::Response::Text(200, "leader's " + request.path);
                      }).value();
  const std::string url = "http://127.0.0.1:" + std::to_string(leader->ports().at(0));
  Parse();
  const auto outcome = Run([&](int question) -> Seen {
    switch (question) {
      case 1:
        return Unavailable("no route to it");
      case 2:
        EXPECT_EQ(Ask("/-/ready").body,
                  "this server stands by: the database cannot be reached, the log says why\n");
        EXPECT_EQ(Ask("/api/v1/x").status, 503);
        return OwnedBy("");
      case 3:
        EXPECT_NE(Ask("/api/v1/x").body.find("--cluster.advertise-url"), std::string::npos);
        return OwnedBy(url);
      case 4:
        EXPECT_EQ(Ask("/api/v1/x").body, "leader's /api/v1/x");
        return Unavailable("no route to it");
      default:
        EXPECT_EQ(Ask("/api/v1/x").body, "leader's /api/v1/x");
        app_.RequestStop();
        return Unavailable("no route to it");
    }
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(*outcome, Standby::Outcome::kStopped);
  EXPECT_TRUE(opened_.empty());
  EXPECT_NE(Ask("/metrics").body.find("\nvigil_cluster_poll_failures_total 3\n"),
            std::string::npos);
  // It stops: nothing more is passed on.
  EXPECT_EQ(Ask("/api/v1/x").status, 503);
}

// A leader in its pause between two attempts keeps what it has not yet written.
TEST_F(StandbyTest, GivesTheLeaderTimeAfterTheDatabaseWasAway) {
  Parse();
  postgres::OwnerState out_of_lease = OwnedBy("http://other");
  out_of_lease.locked = false;
  out_of_lease.lease_left_ms = 0;
  const auto outcome = Run([&](int question) -> Seen {
    clock_.Advance(1'000);
    if (question == 1) return OwnedBy("http://other");
    if (question < 40) return Unavailable("no route to it");
    return out_of_lease;
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(opened_at_ms_, (std::vector<int64_t>{46'000}));
}

TEST_F(StandbyTest, DoesNotWaitForItsOwnFormerLife) {
  Parse();
  postgres::OwnerState killed = OwnedBy("http://me");
  killed.locked = false;
  ASSERT_TRUE(Run([&](int) { return killed; }));
  EXPECT_EQ(opened_at_ms_, (std::vector<int64_t>{0}));
}

// Two servers with one address: the other one lives.
TEST_F(StandbyTest, TakesNothingFromALivingServerOfItsOwnAddress) {
  Parse();
  postgres::OwnerState killed = OwnedBy("http://me");
  killed.locked = false;
  ASSERT_TRUE(Run([&](int question) -> Seen {
    if (question == 1) return OwnedBy("http://me");
    clock_.Advance(500);
    return killed;
  }));
  EXPECT_EQ(opened_at_ms_, (std::vector<int64_t>{1'500}));
}

TEST_F(StandbyTest, TriesLessAndLessOftenWhatFails) {
  Parse();
  for (int i = 0; i < 7; ++i) open_answers_.push_back(Internal("the disk is full"));
  const auto outcome = Run([&](int question) -> Seen {
    if (question == 1) return OwnedBy("http://other");
    clock_.Advance(500);
    return StoppedInOrder();
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(opened_at_ms_,
            (std::vector<int64_t>{500, 1'500, 3'500, 7'500, 15'500, 31'500, 61'500, 91'500}));
}

TEST_F(StandbyTest, GivesSignsOfLifeAndSaysFarewell) {
  Parse();
  const auto outcome = Run([&](int question) -> Seen {
    postgres::OwnerState state = OwnedBy("http://other");
    state.has_members = question > 4;
    if (question == 12) app_.RequestStop();
    clock_.Advance(500);
    return state;
  });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, Standby::Outcome::kStopped);
  // At 2.5 and 4.5 s.
  EXPECT_EQ(log_.beats, (std::vector<std::string>{"http://me me:1", "http://me me:1"}));
  EXPECT_EQ(log_.farewell, "http://me");
}

TEST_F(StandbyTest, SaysNoFarewellWhereItWasNotKnown) {
  Parse();
  ASSERT_TRUE(Run([&](int) -> Seen {
    app_.RequestStop();
    return Unavailable("no route to it");
  }));
  EXPECT_EQ(log_.farewell, "");
}

TEST_F(StandbyTest, ReloadsAndQuitsIfThatIsAllowed) {
  Parse();
  options_.lifecycle = true;
  const auto outcome = Run([&](int question) -> Seen {
    if (question == 2) {
      EXPECT_EQ(Ask("/-/reload").status, 405);
      EXPECT_EQ(Ask("/-/reload", "POST").status, 200);
      EXPECT_EQ(reloads_, 1);
      reload_answer_ = BadData("line 3 is wrong");
      const http::ClientResponse failed = Ask("/-/reload", "PUT");
      EXPECT_EQ(failed.status, 500);
      EXPECT_EQ(failed.body, "failed to reload config: line 3 is wrong\n");
      app_.RequestReload();
    }
    if (question == 4) {
      EXPECT_EQ(Ask("/-/quit", "POST").status, 200);
    }
    return OwnedBy("http://other");
  });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, Standby::Outcome::kStopped);
  EXPECT_EQ(reloads_, 3);
}

TEST_F(StandbyTest, NeitherReloadsNorQuitsForEverybody) {
  Parse();
  ASSERT_TRUE(Run([&](int question) -> Seen {
    if (question == 2) {
      EXPECT_EQ(Ask("/-/reload", "POST").status, 403);
      EXPECT_EQ(Ask("/-/quit", "POST").status, 403);
      return StoppedInOrder();
    }
    return OwnedBy("http://other");
  }));
  EXPECT_EQ(reloads_, 0);
}

TEST_F(StandbyTest, AnswersBelowItsPrefix) {
  Parse({"--web.route-prefix=/p"});
  ASSERT_TRUE(Run([&](int question) -> Seen {
    if (question == 1) return OwnedBy("http://other");
    for (const char* path : {"/", "/p"}) {
      const http::ClientResponse response = Ask(path);
      EXPECT_EQ(response.status, 302);
      EXPECT_EQ(response.headers.Get("Location"), "/p/");
    }
    EXPECT_EQ(Ask("/-/healthy").status, 404);
    EXPECT_EQ(Ask("/p/-/healthy").status, 200);
    return StoppedInOrder();
  }));
}

}  // namespace
}  // namespace vigil::cluster
