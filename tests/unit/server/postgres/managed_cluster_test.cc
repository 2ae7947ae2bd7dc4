// SPDX-License-Identifier: Apache-2.0
// The pure parts of the managed cluster.
#include "server/postgres/managed_cluster.h"

#include <gtest/gtest.h>

#include "server/postgres/leaf_registry.h"

namespace vigil::postgres {
namespace {

TEST(ManagedCluster, ReadsTheMajorVersion) {
  EXPECT_EQ(ParseMajor("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), 15);
  EXPECT_EQ(ParseMajor("postgres (PostgreSQL) 17beta1"), 17);
  EXPECT_EQ(ParseMajor("bash 5.2"), 0);
}

TEST(ManagedCluster, QuotesSettingsAndPaths) {
  EXPECT_EQ(SettingLine("a", "it's"), "a = 'it\\'s'\n");
  EXPECT_EQ(QuoteConninfo("/a b"), "'/a b'");
  EXPECT_EQ(QuoteShell("/var/lib/vigil"), "/var/lib/vigil");
  EXPECT_EQ(QuoteShell("/a b's"), "'/a b'\\''s'");
}

TEST(ManagedCluster, LongPathsGetAShortSocketDirectory) {
  EXPECT_EQ(ChooseSocketDir("/var/lib/vigil", 0), "/var/lib/vigil/postgres-socket");
  const std::string deep = "/" + std::string(100, 'x');
  const std::string dir = ChooseSocketDir(deep, 101);
  EXPECT_TRUE(dir.starts_with("/tmp/vigil-101-")) << dir;
  EXPECT_NE(dir, ChooseSocketDir(deep + "y", 101));
  EXPECT_EQ(dir, ChooseSocketDir(deep, 101));
}

TEST(LeafNames, AreMinutesSinceTheEpoch) {
  constexpr int64_t kHour = 3'600'000;
  EXPECT_EQ(LeafStart(7 * kHour, 6 * kHour), 6 * kHour);
  EXPECT_EQ(LeafStart(-1, 6 * kHour), -6 * kHour);
  EXPECT_EQ(LeafStart(-6 * kHour, 6 * kHour), -6 * kHour);
  EXPECT_EQ(LeafTableName(1, 6 * kHour), "chunk_c1_360");
  EXPECT_EQ(LeafTableName(2, -6 * kHour, 3), "chunk_c2_m360_g3");
}

}  // namespace
}  // namespace vigil::postgres
