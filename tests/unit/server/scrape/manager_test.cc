// SPDX-License-Identifier: Apache-2.0
// The manager with real threads, and real HTTP on loopback.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "client-lib/http/server.h"
#include "server/config/loader.h"
#include "server/scrape/scrape_manager.h"
#include "tests/support/fake_appender.h"

namespace vigil::scrape {
namespace {

using testing_support::FakeAppender;

// Lets a test wait for the n-th append instead of sleeping.
class WaitingAppender : public storage::Appender {
 public:
  Result<storage::SeriesRef> Resolve(const Labels& labels) override {
    std::lock_guard<std::mutex> lock(mutex_);
    return inner_.Resolve(labels);
  }
  Result<storage::AppendOutcome> Append(const storage::SampleBatch& batch,
                                        storage::AppendMode mode) override {
    std::lock_guard<std::mutex> lock(mutex_);
    auto outcome = inner_.Append(batch, mode);
    changed_.notify_all();
    return outcome;
  }
  Result<void> WaitDurable(storage::JournalPosition, int64_t) override { return Ok(); }

  bool WaitForAppends(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return inner_.appends >= count; });
  }
  std::vector<FakeAppender::Row> rows() {
    std::lock_guard<std::mutex> lock(mutex_);
    return inner_.rows;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  FakeAppender inner_;
};

std::shared_ptr<const config::Config> Load(const std::string& text) {
  auto config = config::LoadText(text, "p.yml");
  EXPECT_TRUE(config) << config.error().message;
  return std::make_shared<const config::Config>(std::move(*config));
}

std::shared_ptr<const discovery::Snapshot> Targets(const std::string& job,
                                                   const std::vector<std::string>& addresses) {
  discovery::TargetGroup group;
  group.source = "0";
  for (const std::string& address : addresses) {
    group.targets.push_back(Labels::Of({{"__address__", address}}));
  }
  auto snapshot = std::make_shared<discovery::Snapshot>();
  (*snapshot)[job] = std::make_shared<const discovery::Groups>(discovery::Groups{group});
  return snapshot;
}

TEST(ScrapeManager, ScrapesOverHttp) {
  http::ServerOptions server_options;
  server_options.listen_addresses = {"127.0.0.1:0"};
  auto server = http::Server::Start(std::move(server_options), [](const http::Request& request) {
    if (request.path != "/metrics") return http::Response::Text(404, "no");
    http::Response response;
    response.content_type = "text/plain; version=0.0.4";
    response.body = "# HELP x help\n# TYPE x gauge\nx{a=\"b\"} 42\n";
    return response;
  });
  ASSERT_TRUE(server) << server.error().message;
  std::string address = "127.0.0.1:" + std::to_string((*server)->ports()[0]);

  WaitingAppender appender;
  ScrapeManager manager(appender, Clock::System(), {});
  manager.ApplyConfig(
      Load("global: {scrape_interval: 50ms}\nscrape_configs: [{job_name: a}, {job_name: lost, "
           "metrics_path: /nothing}]\n"));
  auto targets = std::make_shared<discovery::Snapshot>(*Targets("a", {address}));
  (*targets)["lost"] = targets->at("a");
  manager.ApplyTargets(targets);
  ASSERT_TRUE(appender.WaitForAppends(8));
  manager.Stop();

  bool found = false;
  for (const FakeAppender::Row& row : appender.rows()) {
    if (row.labels.MetricName() != "x" || IsStaleNaN(row.sample.value)) continue;
    found = true;
    EXPECT_EQ(row.sample.value, 42);
    EXPECT_EQ(row.labels.Get("instance"), address);
  }
  EXPECT_TRUE(found);
  std::vector<ActiveTarget> active = manager.ActiveTargets();
  ASSERT_EQ(active.size(), 2U);
  EXPECT_EQ(active[0].health, TargetHealth::kUp) << active[0].last_error;
  EXPECT_EQ(active[1].last_error, "server returned HTTP status 404 Not Found");
  EXPECT_EQ(manager.Metadata()[0].rows->at(0).metric, "x");
}

TEST(ScrapeManager, ShowsConnectionFailures) {
  // A port that was free a moment ago.
  http::ServerOptions server_options;
  server_options.listen_addresses = {"127.0.0.1:0"};
  auto server = http::Server::Start(std::move(server_options),
                                    [](const http::Request&) { return http::Response(); });
  ASSERT_TRUE(server);
  std::string address = "127.0.0.1:" + std::to_string((*server)->ports()[0]);
  (*server)->Stop();
  WaitingAppender appender;
  ScrapeManager manager(appender, Clock::System(), {});
  manager.ApplyConfig(Load("scrape_configs: [{job_name: a, scrape_interval: 50ms}]\n"));
  manager.ApplyTargets(Targets("a", {address}));
  ASSERT_TRUE(appender.WaitForAppends(2));
  manager.Stop();
  EXPECT_NE(manager.ActiveTargets()[0].last_error.find("connection refused"), std::string::npos)
      << manager.ActiveTargets()[0].last_error;
}

TEST(ScrapeManager, ShowsActiveAndDroppedTargets) {
  FakeAppender appender;
  ManualClock clock(1'000'000);
  ScrapeManager::Options options;
  options.hostname = "me";
  ScrapeManager manager(appender, clock, options);
  manager.ApplyTargets(Targets("a", {"localhost:1", "x:1", "x:1", "y:2", "bad/address"}));
  EXPECT_TRUE(manager.ActiveTargets().empty());
  manager.ApplyConfig(
      Load("scrape_configs:\n- job_name: a\n  keep_dropped_targets: 1\n  relabel_configs: "
           "[{source_labels: [__address__], regex: '[xy].*', action: drop}]\n- job_name: b\n"));
  EXPECT_EQ(manager.ScrapePools(), (std::vector<std::string>{"a", "b"}));
  std::vector<ActiveTarget> active = manager.ActiveTargets();
  ASSERT_EQ(active.size(), 1U);
  EXPECT_EQ(active[0].scrape_pool, "a");
  EXPECT_EQ(active[0].scrape_url, "http://localhost:1/metrics");
  EXPECT_EQ(active[0].global_url, "http://me:1/metrics");
  EXPECT_EQ(active[0].health, TargetHealth::kUnknown);
  EXPECT_EQ(active[0].scrape_interval, 60'000);
  EXPECT_EQ(manager.Dropped().targets.size(), 1U);
  EXPECT_EQ(manager.Dropped().counts["a"], 3U);
  EXPECT_EQ(manager.GetStats().sync_failed["a"], 1U);
  EXPECT_EQ(manager.GetStats().pool_targets["a"], 1U);
}

TEST(ScrapeManager, TakesEqualTargetsOnce) {
  FakeAppender appender;
  ManualClock clock(1'000'000);
  ScrapeManager manager(appender, clock, {});
  manager.ApplyConfig(Load("scrape_configs: [{job_name: a}]\n"));
  manager.ApplyTargets(Targets("a", {"x:1", "x:1"}));
  EXPECT_EQ(manager.ActiveTargets().size(), 1U);
}

TEST(ScrapeManager, FailsAllTargetsOfAJobOverItsTargetLimit) {
  WaitingAppender appender;
  ScrapeManager manager(appender, Clock::System(), {});
  manager.ApplyConfig(
      Load("scrape_configs: [{job_name: a, target_limit: 1, scrape_interval: 50ms}]\n"));
  manager.ApplyTargets(Targets("a", {"127.0.0.1:1", "127.0.0.1:2"}));
  ASSERT_TRUE(appender.WaitForAppends(4));
  manager.Stop();
  for (const ActiveTarget& target : manager.ActiveTargets()) {
    EXPECT_EQ(target.last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
  }
  EXPECT_EQ(manager.GetStats().pools_exceeded_target_limit, 1U);
}

TEST(ScrapeManager, KeepsTargetsAcrossAReloadThatDoesNotConcernThem) {
  FakeAppender appender;
  ManualClock clock(1'000'000);
  ScrapeManager manager(appender, clock, {});
  manager.ApplyConfig(Load("scrape_configs: [{job_name: a}]\n"));
  manager.ApplyTargets(Targets("a", {"x:1"}));
  manager.ApplyConfig(Load("scrape_configs: [{job_name: a}, {job_name: b}]\n"));
  EXPECT_EQ(manager.ActiveTargets().size(), 1U);
  manager.ApplyConfig(Load("scrape_configs: [{job_name: b}]\n"));
  EXPECT_TRUE(manager.ActiveTargets().empty());
}

}  // namespace
}  // namespace vigil::scrape
