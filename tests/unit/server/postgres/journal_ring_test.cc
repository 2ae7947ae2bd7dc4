// SPDX-License-Identifier: Apache-2.0
// The ring of journal tables.
#include "server/postgres/journal_ring.h"

#include <gtest/gtest.h>

namespace vigil::postgres {
namespace {

TEST(JournalRing, StaysInOneTableUntilACut) {
  JournalRing ring;
  EXPECT_EQ(ring.TableFor(0, 10), 0);
  EXPECT_EQ(ring.TableFor(0, 20), 0);
  EXPECT_EQ(ring.TableFor(1, 30), 1);
  EXPECT_EQ(ring.TableFor(1, 40), 1);
}

TEST(JournalRing, EmptyTableNeedsNoSuccessor) {
  JournalRing ring;
  EXPECT_EQ(ring.TableFor(3, 10), 0);
}

TEST(JournalRing, TableIsCoveredOnceTheWriterLeftItAndAllIsFlushed) {
  JournalRing ring;
  ring.TableFor(0, 10);
  EXPECT_TRUE(ring.Covered(10).empty());  // still written to
  ring.TableFor(1, 11);
  EXPECT_TRUE(ring.Covered(9).empty());
  EXPECT_EQ(ring.Covered(10), std::vector<int>{0});
  ring.Emptied(0);
  EXPECT_TRUE(ring.Covered(10).empty());
}

TEST(JournalRing, GoesOnInTheCurrentTableWhenAllAreInUse) {
  JournalRing ring;
  for (uint64_t cut = 0; cut < 8; ++cut) ring.TableFor(cut, cut + 1);
  EXPECT_EQ(ring.in_use(), 8U);
  EXPECT_EQ(ring.TableFor(8, 100), 7);
  EXPECT_EQ(ring.full(), 1U);
  EXPECT_EQ(ring.TableFor(8, 101), 7);
  EXPECT_EQ(ring.full(), 1U);
  ring.Emptied(0);
  EXPECT_EQ(ring.TableFor(8, 102), 7);  // the cut is over
  EXPECT_EQ(ring.TableFor(9, 103), 0);
}

TEST(JournalRing, GoesOnInTheNewestTableAfterARestart) {
  JournalRing ring;
  ring.Restore({0, 0, 70, 90, 0, 0, 0, 0});
  EXPECT_EQ(ring.TableFor(0, 91), 3);
  EXPECT_EQ(ring.Covered(80), std::vector<int>{2});
  EXPECT_EQ(ring.TableFor(1, 92), 4);
}

TEST(JournalRing, RetriedPagesDoNotMoveBack) {
  JournalRing ring;
  ring.TableFor(0, 5);
  ring.TableFor(1, 6);
  EXPECT_EQ(ring.TableFor(0, 5), 1);
}

}  // namespace
}  // namespace vigil::postgres
