// SPDX-License-Identifier: Apache-2.0
#include "server/head/label_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "server/head/label_table.h"

namespace vigil::head {
namespace {

Labels Numbered(uint64_t i) {
  return Labels::Of(
      {{"__name__", std::string("m").append(std::to_string(i % 5))}, {"i", std::to_string(i)}});
}

TEST(LabelOrder, SortsRankedAndNewSeriesAlike) {
  SeriesSlots slots;
  LabelOrder order(slots);
  std::mt19937_64 random(4);
  std::vector<SeriesRef> all;
  for (int round = 0; round < 40; ++round) {
    for (uint64_t added = random() % 300; added > 0; --added) {
      all.push_back(slots.Add(1, Numbered(random()), INT64_MIN));
    }
    std::vector<SeriesRef> refs;
    const uint64_t every = 1 + random() % 20;
    for (const SeriesRef ref : all) {
      if (random() % every == 0) refs.push_back(ref);
    }
    std::vector<SeriesRef> want = refs;
    std::sort(want.begin(), want.end(), [&slots](SeriesRef a, SeriesRef b) {
      return (slots.labels(a) <=> slots.labels(b)) < 0;
    });
    order.Sort(&refs);
    EXPECT_EQ(refs, want);
  }
}

TEST(LabelTable, FindsWhatWasAdded) {
  SeriesSlots slots;
  LabelTable table(slots);
  for (uint64_t i = 0; i < 20000; ++i) {
    EXPECT_EQ(table.Find(Numbered(i)), 0U);
    table.Add(slots.Add(1, Numbered(i), INT64_MIN));
  }
  for (uint64_t i = 0; i < 20000; ++i) EXPECT_EQ(table.Find(Numbered(i)), i + 1);
  EXPECT_EQ(table.Find(Labels()), 0U);
}

}  // namespace
}  // namespace vigil::head
