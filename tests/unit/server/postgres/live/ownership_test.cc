// SPDX-License-Identifier: Apache-2.0
// Who owns a database and who shares it, on a real PostgreSQL.
#include "server/postgres/ownership.h"

#include <chrono>
#include <thread>

#include "server/postgres/members.h"
#include "server/postgres/schema.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kPatienceMs = 10'000;

OwnerState OwnerSeenBy(Connection* connection) {
  auto state = ReadOwner(connection, kPatienceMs);
  EXPECT_TRUE(state) << state.error().message;
  return state ? *std::move(state) : OwnerState();
}

DatabaseOptions MemberOptions(const std::string& conninfo, const std::string& name) {
  DatabaseOptions options = OptionsFor(conninfo);
  options.instance = name;
  options.url = "http://" + name;
  options.ownership_wait_ms = 0;
  return options;
}

// The lock is taken up as soon as the former owner's session is gone, and once only.
void TakesUpTheLock(Connection* connection, const Ownership& owner) {
  auto renewed = RenewLease(connection, owner, 30'000, kPatienceMs);
  for (int i = 0; i < 200 && renewed && !*renewed; ++i) {
    ASSERT_OK(connection->Query("SELECT pg_sleep(0.02)", kPatienceMs));
    renewed = RenewLease(connection, owner, 30'000, kPatienceMs);
  }
  ASSERT_OK(renewed);
  EXPECT_TRUE(*renewed);
  ASSERT_OK(RenewLease(connection, owner, 30'000, kPatienceMs));
  EXPECT_TRUE(OwnerSeenBy(connection).locked);
  // Taken twice it would still be held.
  ASSERT_OK(connection->Query("SELECT pg_advisory_unlock(1986619244, 1)", kPatienceMs));
  EXPECT_FALSE(OwnerSeenBy(connection).locked);
  EXPECT_FALSE(OwnerSeenBy(connection).given_back);
}

TEST(OwnershipLive, TellsWhoOwnsTheDatabaseAndWhoSharesIt) {
  const TemporaryPath path;
  const auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  auto admin = Connect(managed->conninfo());
  OwnerState owner = OwnerSeenBy(admin.get());
  EXPECT_EQ(owner.epoch, 0);
  EXPECT_FALSE(owner.has_members);

  auto first = OpenDatabase(MemberOptions(managed->conninfo(), "o'ne:1"));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->epoch(), 1);
  owner = OwnerSeenBy(admin.get());
  EXPECT_EQ(owner.epoch, 1);
  EXPECT_FALSE(owner.given_back);
  EXPECT_EQ(owner.instance, "o'ne:1");
  EXPECT_EQ(owner.url, "http://o'ne:1");
  EXPECT_TRUE(owner.locked);
  EXPECT_GT(owner.lease_left_ms, 20'000);
  EXPECT_LE(owner.lease_left_ms, 30'000);
  EXPECT_GT(owner.since, 0);
  ASSERT_OK(first->ConfirmOwnership(kPatienceMs));

  ASSERT_OK(RegisterStandby(admin.get(), "http://two", "two:2", kPatienceMs));
  ASSERT_OK(RegisterStandby(admin.get(), "http://o'ne:1", "impostor", kPatienceMs));
  const auto members = ReadMembers(managed->conninfo(), 60'000, kPatienceMs);
  ASSERT_OK(members);
  ASSERT_EQ(members->size(), 2U);
  EXPECT_EQ(members->at(0).instance, "o'ne:1");
  EXPECT_EQ(members->at(0).role, "leader");
  EXPECT_EQ(members->at(1).role, "standby");

  first.reset();
  owner = OwnerSeenBy(admin.get());
  EXPECT_FALSE(owner.locked);
  EXPECT_EQ(owner.lease_left_ms, 0);
  EXPECT_EQ(owner.url, "");
  EXPECT_TRUE(owner.given_back);
  ASSERT_OK(ForgetStandby(admin.get(), "http://two", kPatienceMs));
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.member"), "0");
}

// Whom a leader asks that cannot reach the database.
TEST(OwnershipLive, ALeaderRemembersWhoStoodBy) {
  const TemporaryPath path;
  auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  DatabaseOptions options = MemberOptions(managed->conninfo(), "one");
  options.lease_ms = 600;
  auto leader = OpenDatabase(options);
  ASSERT_NE(leader, nullptr);
  auto admin = Connect(managed->conninfo());
  ASSERT_OK(RegisterStandby(admin.get(), "http://two", "two:2", kPatienceMs));
  ASSERT_OK(RegisterStandby(admin.get(), "http://three", "three:3", kPatienceMs));
  const auto knows = [&](const std::vector<std::string>& urls) {
    for (int i = 0; i < 200 && leader->standbys() != urls; ++i) {
      ASSERT_OK(admin->Query("SELECT pg_sleep(0.05)", kPatienceMs));
    }
    EXPECT_EQ(leader->standbys(), urls);
  };
  knows({"http://three", "http://two"});
  ASSERT_OK(
      admin->Execute("UPDATE vigil.member SET seen_at = now() - interval '61 s' "
                     "WHERE url = 'http://three'",
                     kPatienceMs));
  knows({"http://two"});
  // From the start on: its lease is renewed minutes later.
  leader.reset();
  options.lease_ms = 600'000;
  leader = OpenDatabase(options);
  ASSERT_NE(leader, nullptr);
  knows({"http://two"});
  // Also when nobody can say any more, and long after the lease. An idle leader notices when it
  // wants to renew that.
  leader.reset();
  options.lease_ms = 600;
  leader = OpenDatabase(options);
  ASSERT_NE(leader, nullptr);
  knows({"http://two"});
  managed.reset();
  for (int i = 0; i < 1'000 && leader->connected(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(leader->connected());
  EXPECT_EQ(leader->standbys(), (std::vector<std::string>{"http://two"}));
}

TEST(OwnershipLive, TheFenceKeepsTakersOutButNotTheLease) {
  const TemporaryPath path;
  const auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  auto one = Connect(managed->conninfo());
  ASSERT_OK(MigrateSchema(one.get(), Migrations(), kPatienceMs));
  auto taken = TakeOwnership(one.get(), {"one", "http://one", 30'000, {}}, 0, kPatienceMs);
  ASSERT_OK(taken);
  const Ownership first = *taken;
  ASSERT_TRUE(first.locked);
  ASSERT_OK(one->Execute("BEGIN", kPatienceMs));
  ASSERT_OK(HoldFence(one.get(), first, kPatienceMs));

  // A long transaction of a healthy owner.
  auto two = Connect(managed->conninfo());
  auto renewed = RenewLease(two.get(), first, 30'000, 2'000);
  ASSERT_OK(renewed);
  EXPECT_FALSE(*renewed);  // the lock is the other session's
  EXPECT_FALSE(AwaitFree(two.get(), 0, kPatienceMs));

  // Whoever takes over waits for it all the same.
  ASSERT_OK(
      two->Execute("UPDATE vigil.ingester SET lease_until = '-infinity'; "
                   "SET lock_timeout = '200ms'",
                   kPatienceMs));
  ASSERT_OK(AwaitFree(two.get(), 0, kPatienceMs));
  EXPECT_FALSE(TakeOwnership(two.get(), {"two", "http://two", 30'000, {}}, 0, kPatienceMs));
  ASSERT_OK(one->Execute("COMMIT", kPatienceMs));
  // Not by what it saw long ago.
  EXPECT_FALSE(TakeOwnership(two.get(), {"two", "", 30'000, first.epoch - 1}, 0, kPatienceMs));
  taken = TakeOwnership(two.get(), {"two", "http://two", 30'000, first.epoch}, 0, kPatienceMs);
  ASSERT_OK(taken);
  EXPECT_EQ(taken->epoch, first.epoch + 1);
  ASSERT_OK(one->Execute("BEGIN", kPatienceMs));
  EXPECT_FALSE(HoldFence(one.get(), first, kPatienceMs));
  ASSERT_OK(one->Execute("ROLLBACK", kPatienceMs));
  // The former one no longer says where the leader is.
  ASSERT_OK(RegisterLeader(one.get(), first, "http://one", "one", kPatienceMs));
  EXPECT_EQ(OwnerSeenBy(two.get()).url, "http://two");
  // It neither renews the lease nor gives up what is not its own.
  renewed = RenewLease(one.get(), first, 30'000, kPatienceMs);
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(CheckOwner(one.get(), first, kPatienceMs).error().kind, ErrorKind::kNotFound);
  ASSERT_OK(CheckOwner(one.get(), *taken, kPatienceMs));
  ASSERT_OK(GiveUpOwnership(one.get(), first, kPatienceMs));
  ASSERT_OK(ForgetStandby(one.get(), "http://two", kPatienceMs));
  const OwnerState owner = OwnerSeenBy(two.get());
  EXPECT_GT(owner.lease_left_ms, 0);
  EXPECT_EQ(owner.url, "http://two");

  EXPECT_FALSE(taken->locked);
  one.reset();
  TakesUpTheLock(two.get(), *taken);
}

TEST(OwnershipLive, KeepsPasswordsToItself) {
  const auto bad = Connection::Open("host=h password='secret", "test", {}, kPatienceMs);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kBadData);
  EXPECT_EQ(bad.error().message.find("secret"), std::string::npos);
}

TEST(OwnershipLive, TakesOverFromAnOwnerThatHangs) {
  const TemporaryPath path;
  const auto managed = StartManaged(path.path());
  ASSERT_NE(managed, nullptr);
  bool fenced = false;
  DatabaseOptions options = MemberOptions(managed->conninfo(), "one");
  options.on_fenced = [&] { fenced = true; };
  auto first = OpenDatabase(options);
  ASSERT_NE(first, nullptr);
  EXPECT_FALSE(Database::Open(MemberOptions(managed->conninfo(), "two")));

  // In the middle of a transaction: the next one is not kept out by it.
  auto admin = Connect(managed->conninfo());
  auto hanging = Connect(managed->conninfo());
  ASSERT_OK(admin->Execute("UPDATE vigil.ingester SET lease_until = now()", kPatienceMs));
  ASSERT_OK(hanging->Execute("BEGIN; SELECT 1 FROM vigil.ingester FOR KEY SHARE", kPatienceMs));
  EXPECT_EQ(OwnerSeenBy(admin.get()).lease_left_ms, 0);
  auto second = OpenDatabase(MemberOptions(managed->conninfo(), "two"));
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(hanging->Execute("SELECT 1", kPatienceMs));
  const OwnerState owner = OwnerSeenBy(admin.get());
  EXPECT_EQ(owner.epoch, 2);
  EXPECT_EQ(owner.url, "http://two");
  const auto members = ReadMembers(managed->conninfo(), 60'000, kPatienceMs);
  ASSERT_OK(members);
  ASSERT_EQ(members->size(), 1U);
  EXPECT_EQ(members->at(0).role, "leader");

  const auto confirmed = first->ConfirmOwnership(kPatienceMs);
  ASSERT_FALSE(confirmed);
  EXPECT_EQ(confirmed.error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(first->journal().WaitDurable(first->journal().Enqueue({}, {"late"}), kPatienceMs));
  first.reset();  // the journal's thread has ended
  EXPECT_TRUE(fenced);
  // Its session was ended, so the lock is the new one's, soon if not at once.
  for (int i = 0; i < 100 && !OwnerSeenBy(admin.get()).locked; ++i) {
    ASSERT_OK(admin->Query("SELECT pg_sleep(0.05)", kPatienceMs));
  }
  EXPECT_TRUE(OwnerSeenBy(admin.get()).locked);
}

}  // namespace
}  // namespace vigil::postgres
