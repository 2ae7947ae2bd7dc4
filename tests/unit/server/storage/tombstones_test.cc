// SPDX-License-Identifier: Apache-2.0
#include "server/storage/tombstones.h"

#include <gtest/gtest.h>

namespace vigil::storage {
namespace {

TEST(Tombstones, KnowTheSpansOfASeries) {
  const Tombstones tombstones({{2, "b", {9, 1}, {50, 60}}, {1, "a", {1, 5}, {10, 20}}});
  EXPECT_EQ(tombstones.newest(), 2);
  ASSERT_EQ(tombstones.SpansOf(1).size(), 2U);
  EXPECT_EQ(tombstones.SpansOf(1)[0].from, 10);
  ASSERT_EQ(tombstones.SpansOf(9).size(), 1U);
  EXPECT_EQ(tombstones.SpansOf(9)[0].to, 60);
  EXPECT_TRUE(tombstones.SpansOf(2).empty());
  EXPECT_TRUE(tombstones.Overlap(20, 30));
  EXPECT_TRUE(tombstones.Overlap(0, 10));
  EXPECT_FALSE(tombstones.Overlap(21, 49));
  EXPECT_TRUE(Tombstones().empty());
  EXPECT_EQ(Tombstones().newest(), 0);
}

TEST(Tombstones, EraseFloatsAndHistogramsBehindTheMark) {
  SampleColumns samples;
  samples.Add(5, 1);
  samples.histograms.push_back({6, nullptr});
  const ColumnsMark begin(samples);
  for (const TimestampMs time : {5, 10, 15, 20}) samples.Add(time, static_cast<double>(time));
  for (const TimestampMs time : {6, 11, 16}) samples.histograms.push_back({time, nullptr});
  EraseDeleted({{0, 6}, {11, 15}}, begin, &samples);
  EXPECT_EQ(samples.timestamps, (std::vector<TimestampMs>{5, 10, 20}));
  EXPECT_EQ(samples.values, (std::vector<double>{1, 10, 20}));
  ASSERT_EQ(samples.histograms.size(), 2U);
  EXPECT_EQ(samples.histograms[1].timestamp, 16);
}

}  // namespace
}  // namespace vigil::storage
