// SPDX-License-Identifier: Apache-2.0
#include "server/discovery/manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "client-lib/base/files.h"
#include "server/config/loader.h"

namespace vigil::discovery {
namespace {

std::string Text(const Snapshot& snapshot) {
  std::string out;
  for (const auto& [job, groups] : snapshot) {
    out += job + ":";
    for (const TargetGroup& group : *groups) {
      for (const Labels& target : group.targets) {
        out += " " + std::string(target.Get("__address__"));
        if (group.labels.Has("env")) out += "/" + std::string(group.labels.Get("env"));
      }
    }
    out += "\n";
  }
  return out;
}

class DiscoveryManager : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "vigil_discovery_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern + "/";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void Load(const std::string& text) {
    auto config = config::LoadText(text, dir_ + "prometheus.yml");
    ASSERT_TRUE(config) << config.error().message;
    manager_.ApplyConfig(std::make_shared<const config::Config>(std::move(*config)));
  }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(dir_ + name, text));
  }
  // After the shortest time in which a change must show.
  std::string Now() {
    clock_.Advance(5'000);
    manager_.RunOnceForTest();
    return Text(*manager_.current());
  }

  std::string dir_;
  ManualClock clock_{1'000'000};
  std::vector<std::shared_ptr<const Snapshot>> updates_;
  Manager manager_{clock_, [this](std::shared_ptr<const Snapshot> s) { updates_.push_back(s); }};
};

TEST_F(DiscoveryManager, HandsOutStaticTargetsAtOnce) {
  Load(
      "scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['x:1', 'y:2']\n"
      "    labels: {env: prod}\n- job_name: b\n");
  EXPECT_EQ(manager_.RunOnceForTest(), -1);
  ASSERT_EQ(updates_.size(), 1U);
  EXPECT_EQ(Text(*updates_[0]), "a: x:1/prod y:2/prod\nb:\n");
  EXPECT_EQ(manager_.stats().discovered_targets["a"], 2U);
}

TEST_F(DiscoveryManager, KeepsGroupsOfUnchangedJobsAcrossReloads) {
  Load(
      "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n"
      "- job_name: b\n  static_configs: [{targets: ['y:1']}]\n");
  manager_.RunOnceForTest();
  Load(
      "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n"
      "- job_name: b\n  static_configs: [{targets: ['z:1']}]\n");
  manager_.RunOnceForTest();
  ASSERT_EQ(updates_.size(), 2U);
  EXPECT_EQ(Text(*updates_[1]), "a: x:1\nb: z:1\n");
  EXPECT_EQ(updates_[0]->at("a"), updates_[1]->at("a"));
}

TEST_F(DiscoveryManager, FollowsTargetFiles) {
  Write("one.yml", "- targets: ['x:1']\n  labels: {env: a}\n");
  Load("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: ['*.yml', t.json]}]\n");
  manager_.RunOnceForTest();
  EXPECT_EQ(Text(*manager_.current()), "a: x:1/a\n");
  Write("t.json", R"([{"targets": ["j:1"]}, {"targets": ["j:2"]}])");
  EXPECT_EQ(Now(), "a: x:1/a j:1 j:2\n");
  Write("t.json", R"([{"targets": ["j:3"]}])");
  EXPECT_EQ(Now(), "a: x:1/a j:3\n");
  std::filesystem::remove(dir_ + "one.yml");
  EXPECT_EQ(Now(), "a: j:3\n");
}

TEST_F(DiscoveryManager, NamesTheFileInALabel) {
  Write("one.yml", "- targets: ['x:1']\n");
  Load("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [one.yml]}]\n");
  manager_.RunOnceForTest();
  EXPECT_EQ(manager_.current()->at("a")->at(0).labels.Get("__meta_filepath"), dir_ + "one.yml");
}

TEST_F(DiscoveryManager, KeepsTheLastGoodTargetsOfABrokenFile) {
  Write("one.yml", "- targets: ['x:1']\n");
  Load("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [one.yml, e.json]}]\n");
  manager_.RunOnceForTest();
  for (const char* broken : {"- targets: ['y:1'\n", "- target: ['y:1']\n", "hello\n"}) {
    Write("one.yml", broken);
    EXPECT_EQ(Now(), "a: x:1\n") << broken;
  }
  Write("e.json", "");
  EXPECT_EQ(Now(), "a: x:1\n");
  Write("one.yml", "- targets: ['y:1']\n");
  EXPECT_EQ(Now(), "a: y:1\n");
  Write("one.yml", "[]\n");
  EXPECT_EQ(Now(), "a:\n");
}

TEST_F(DiscoveryManager, CoalescesUpdates) {
  Write("one.yml", "- targets: ['x:1']\n");
  Load("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [one.yml]}]\n");
  manager_.RunOnceForTest();
  ASSERT_EQ(updates_.size(), 1U);
  Write("one.yml", "- targets: ['x:2']\n");
  clock_.Advance(1'000);
  EXPECT_EQ(manager_.RunOnceForTest(), 4'000);
  Write("one.yml", "- targets: ['x:3']\n");
  clock_.Advance(1'000);
  EXPECT_EQ(manager_.RunOnceForTest(), 3'000);
  EXPECT_EQ(updates_.size(), 1U);
  clock_.Advance(3'000);
  manager_.RunOnceForTest();
  ASSERT_EQ(updates_.size(), 2U);
  EXPECT_EQ(Text(*updates_[1]), "a: x:3\n");
}

TEST_F(DiscoveryManager, DoesNotWaitWithTheTargetsOfANewConfiguration) {
  Load("scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n");
  manager_.RunOnceForTest();
  Load("scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['y:1']}]\n");
  manager_.RunOnceForTest();
  EXPECT_EQ(Text(*manager_.current()), "a: y:1\n");
}

TEST_F(DiscoveryManager, RefreshesWithoutBeingTold) {
  Write("one.yml", "- targets: ['x:1']\n");
  Load(
      "scrape_configs:\n- job_name: a\n"
      "  file_sd_configs: [{files: [one.yml], refresh_interval: 30s}]\n");
  EXPECT_EQ(manager_.RunOnceForTest(), 30'000);
  clock_.Advance(30'000);
  EXPECT_EQ(manager_.RunOnceForTest(), 30'000);
  EXPECT_EQ(updates_.size(), 1U) << "nothing had changed";
}

TEST_F(DiscoveryManager, RunsAndStopsItsThread) {
  Load("scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n");
  manager_.Start();
  manager_.Stop();
  EXPECT_LE(updates_.size(), 1U);
}

}  // namespace
}  // namespace vigil::discovery
