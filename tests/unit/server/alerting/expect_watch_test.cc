// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/expect_watch.h"

#include <gtest/gtest.h>

#include "server/alerting/config_loader.h"

namespace vigil::alerting {
namespace {

constexpr TimestampMs kWatchStart = 1'700'000'000'000;
constexpr DurationMs kEvery = 600'000;

// One route that expects an alert every ten minutes.
class ExpectWatchTest : public testing::Test {
 protected:
  ExpectWatchTest() {
    const auto config = LoadAlertingText(
        "route: {receiver: r, routes: [{matchers: [a=b], expect_every: 10m}]}\n"
        "receivers: [{name: r}]\n",
        "a.yml");
    CHECK(config.has_value());
    tree_ = std::make_unique<RouteTree>(config->route);
    watch_.Reset(*tree_, kWatchStart);
    watch_.Restore({}, kWatchStart);
  }
  void Beat(TimestampMs now) { watch_.Seen(tree_->Match(Labels::Of({{"a", "b"}})), now); }
  // A server that begins with what was taken.
  void Restart(const std::vector<Heartbeat>& stored, TimestampMs now) {
    watch_ = ExpectWatch();
    watch_.Reset(*tree_, now);
    watch_.Restore(stored, now);
  }

  std::unique_ptr<RouteTree> tree_;
  ExpectWatch watch_;
};

TEST_F(ExpectWatchTest, FrequentHeartbeatsCostNoRow) {
  for (TimestampMs now = kWatchStart; now < kWatchStart + kEvery; now += 1'000) {
    if (now % 60'000 == 0) Beat(now);
    EXPECT_TRUE(watch_.TakeHeartbeats(now).empty());
  }
}

TEST_F(ExpectWatchTest, SilenceIsStoredAFewTimes) {
  std::vector<Heartbeat> stored;
  size_t rows = 0;
  for (TimestampMs now = kWatchStart; now <= kWatchStart + 3 * kEvery; now += 1'000) {
    const auto taken = watch_.TakeHeartbeats(now);
    rows += taken.size();
    if (!taken.empty()) stored = taken;
  }
  EXPECT_EQ(rows, 8U);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].silent_for, kEvery);
  Beat(kWatchStart + 3 * kEvery);
  EXPECT_EQ(watch_.TakeHeartbeats(kWatchStart + 3 * kEvery).at(0).silent_for, 0);
}

TEST_F(ExpectWatchTest, ARestartGoesOnWhereItWas) {
  const auto stored = watch_.TakeHeartbeats(kWatchStart + 300'000);
  // How long the server was away does not count.
  const TimestampMs again = kWatchStart + 10 * kEvery;
  Restart(stored, again);
  EXPECT_EQ(watch_.NextDeadline(), again + 300'000);
  EXPECT_TRUE(watch_.TakeHeartbeats(again).empty());
  // Other routes begin anew.
  Restart({{"another", 300'000}}, again);
  EXPECT_EQ(watch_.NextDeadline(), again + kEvery);
}

TEST_F(ExpectWatchTest, ARestartLeavesTimeForAHeartbeat) {
  const auto stored = watch_.TakeHeartbeats(kWatchStart + 5 * kEvery);
  const TimestampMs again = kWatchStart + 10 * kEvery;
  Restart(stored, again);
  EXPECT_TRUE(watch_.Due(again + 119'999).empty());
  EXPECT_EQ(watch_.Due(again + 120'000).size(), 1U);
}

}  // namespace
}  // namespace vigil::alerting
