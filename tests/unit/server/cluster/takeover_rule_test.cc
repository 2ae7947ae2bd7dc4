// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/takeover_rule.h"

#include <gtest/gtest.h>

namespace vigil::cluster {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;

TakeoverRule::Sight Alive(int64_t epoch = 3) { return {epoch, true, 30'000, false}; }
TakeoverRule::Sight Killed(int64_t epoch = 3) { return {epoch, false, 20'000, false}; }
TakeoverRule::Sight Hanging() { return {3, true, 0, false}; }
TakeoverRule::Sight GivenBack() { return {3, false, 0, true}; }
// Its session went with the database, and the lease ran out meanwhile.
TakeoverRule::Sight RanOut() { return {3, false, 0, false}; }

// That has seen a living owner a while ago.
TakeoverRule Knowing() {
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Alive(), kSecond));
  return rule;
}

TEST(TakeoverRule, LeavesALivingOwnerAlone) {
  TakeoverRule rule;
  for (int64_t second = 0; second < 100; ++second) {
    EXPECT_FALSE(rule.Saw(Alive(), second * kSecond)) << second;
  }
}

TEST(TakeoverRule, TakesADatabaseOfNobodyAtOnce) {
  EXPECT_TRUE(TakeoverRule().Saw({0, false, 0, false}, kSecond));
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
  TakeoverRule rule = Knowing();
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond + 999 * kMs));
  EXPECT_TRUE(rule.Saw(Killed(), 11 * kSecond));
}

TEST(TakeoverRule, BeginsToWaitAnewWhenTheSessionCameBack) {
  TakeoverRule rule = Knowing();
  EXPECT_FALSE(rule.Saw(Killed(), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Alive(), 10 * kSecond + 500 * kMs));
  EXPECT_FALSE(rule.Saw(Killed(), 11 * kSecond));
  EXPECT_TRUE(rule.Saw(Killed(), 12 * kSecond));
}

TEST(TakeoverRule, BeginsToWaitAnewForAnotherOwner) {
  TakeoverRule rule = Knowing();
  EXPECT_FALSE(rule.Saw(Killed(3), 10 * kSecond));
  EXPECT_FALSE(rule.Saw(Killed(4), 11 * kSecond));
  EXPECT_TRUE(rule.Saw(Killed(4), 12 * kSecond));
}

// Locks end with the database, leases run out while it is away: neither says that the owner is
// gone.
TEST(TakeoverRule, GivesTheOwnerTimeAfterTheDatabaseWasAway) {
  TakeoverRule rule = Knowing();
  rule.Lost();
  EXPECT_FALSE(rule.Saw(RanOut(), 60 * kSecond));
  EXPECT_FALSE(rule.Saw(RanOut(), 65 * kSecond));
  EXPECT_FALSE(rule.Saw(Alive(), 65 * kSecond + 500 * kMs));
  EXPECT_FALSE(rule.Saw(Killed(), 66 * kSecond + 500 * kMs));
  EXPECT_TRUE(rule.Saw(Killed(), 68 * kSecond));
}

TEST(TakeoverRule, GivesThatTimeOnce) {
  TakeoverRule rule = Knowing();
  rule.Lost();
  EXPECT_FALSE(rule.Saw(RanOut(), 60 * kSecond));
  EXPECT_FALSE(rule.Saw(RanOut(), 66 * kSecond - 1));
  EXPECT_TRUE(rule.Saw(RanOut(), 66 * kSecond));
  rule.Lost();
  EXPECT_FALSE(rule.Saw(RanOut(), 67 * kSecond));
  EXPECT_TRUE(rule.Saw(RanOut(), 73 * kSecond));
}

// A connection that hangs through a fault of the network keeps the lock.
TEST(TakeoverRule, GivesAnOwnerThatSeemsToHangTimeAfterTheDatabaseWasAway) {
  TakeoverRule rule = Knowing();
  rule.Lost();
  EXPECT_FALSE(rule.Saw(Hanging(), 60 * kSecond));
  EXPECT_TRUE(rule.Saw(Hanging(), 66 * kSecond));
}

// It cannot know whether the database came back a moment ago, and the owner's spool with it.
TEST(TakeoverRule, GivesTheOwnerTimeWhenItBeginsToLook) {
  for (const TakeoverRule::Sight& sight : {RanOut(), Hanging()}) {
    TakeoverRule rule;
    EXPECT_FALSE(rule.Saw(sight, kSecond));
    EXPECT_FALSE(rule.Saw(sight, 7 * kSecond - 1));
    EXPECT_TRUE(rule.Saw(sight, 7 * kSecond));
  }
  TakeoverRule rule;
  EXPECT_FALSE(rule.Saw(Killed(), kSecond));
  EXPECT_FALSE(rule.Saw(Killed(), 7 * kSecond));
  EXPECT_TRUE(rule.Saw(Killed(), 8 * kSecond));
}

TEST(TakeoverRule, GivesNoTimeToAnOwnerThatWasSeenAlive) {
  TakeoverRule rule = Knowing();
  EXPECT_TRUE(rule.Saw(Hanging(), 2 * kSecond));
}

TEST(TakeoverRule, GivesNoTimeToAnOwnerThatStoppedInOrder) {
  TakeoverRule rule;
  rule.Lost();
  EXPECT_TRUE(rule.Saw(GivenBack(), kSecond));
  rule = Knowing();
  rule.Lost();
  EXPECT_TRUE(rule.Saw(GivenBack(), 60 * kSecond));
  // Somebody else is just taking it.
  EXPECT_FALSE(rule.Saw({4, true, 30'000, true}, 61 * kSecond));
}

}  // namespace
}  // namespace vigil::cluster
