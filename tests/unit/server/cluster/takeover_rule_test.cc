// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/takeover_rule.h"

#include <gtest/gtest.h>

namespace vigil::cluster {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;

TakeoverRule::Sight Alive(int64_t epoch = 3) { return {epoch, true, 30'000}; }
TakeoverRule::Sight Killed(int64_t epoch = 3) { return {epoch, false, 20'000}; }
TakeoverRule::Sight Hanging() { return {3, true, 0}; }
TakeoverRule::Sight GivenBack() { return {3, false, 0}; }

TEST(TakeoverRule, LeavesALivingOwnerAlone) {
  TakeoverRule rule;
  for (int64_t second = 0; second < 100; ++second) {
    EXPECT_FALSE(rule.Saw(Alive(), second * kSecond)) << second;
  }
}

TEST(TakeoverRule, TakesADatabaseOfNobodyAtOnce) {
  EXPECT_TRUE(TakeoverRule().Saw({0, false, 0}, kSecond));
}

TEST(TakeoverRule, TakesWhatWasGivenBackAtOnce) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Alive(), kSecond));
  EXPECT_TRUE(rule.Saw(GivenBack(), kSecond + 1));
}

TEST(TakeoverRule, TakesFromAnOwnerWhoseLeaseRanOut) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Alive(), kSecond));
  EXPECT_TRUE(rule.Saw(Hanging(), 2 * kSecond));
}

TEST(TakeoverRule, WaitsALittleForASessionThatIsGone) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond + 999 * kMs));
  EXPECT_TRUE(rule.Saw(Killed(), 11 * kSecond));
}

TEST(TakeoverRule, BeginsToWaitAnewWhenTheSessionCameBack) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Alive(), 10 * kSecond + 500 * kMs));
  EXPECT_FALSE(rule.Saw(Killed(), 11 * kSecond));
  EXPECT_TRUE(rule.Saw(Killed(), 12 * kSecond));
}

TEST(TakeoverRule, BeginsToWaitAnewForAnotherOwner) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Killed(3), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Killed(4), 11 * kSecond));
  EXPECT_TRUE(rule.Saw(Killed(4), 12 * kSecond));
}

// Locks end with the database, leases run out while it is away: neither says that the owner is
// gone.
TEST(TakeoverRule, GivesTheOwnerTimeAfterTheDatabaseWasAway) {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Alive(), kSecond));
  rule.Lost();
  EXPECT_FALSE(rule.Saw(GivenBack(), 60 * kSecond));
  EXPECT_FALSE(rule.Saw(GivenBack(), 65 * kSecond));
  EXPECT_FALSE(rule.Saw(Alive(), 65 * kSecond + 500 * kMs));
  EXPECT_FALSE(rule.Saw(Killed(), 66 * kSecond + 500 * kMs));
  EXPECT_TRUE(rule.Saw(Killed(), 68 * kSecond));
}

TEST(TakeoverRule, GivesNoTimeWhenTheDatabaseWasNotThereAtStart) {
  TakeoverRule rule;
  rule.Lost();
  EXPECT_TRUE(rule.Saw(GivenBack(), kSecond));
}

}  // namespace
}  // namespace vigil::cluster
