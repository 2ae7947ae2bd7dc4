// SPDX-License-Identifier: Apache-2.0
#include "server/head/label_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "server/head/label_table.h"
#include "server/head/postings.h"

namespace vigil::head {
namespace {

Labels Numbered(uint64_t i) {
  return Labels::Of(
      {{"__name__", std::string("m").append(std::to_string(i % 5))}, {"i", std::to_string(i)}});
}

// Sets of different names, some of them the beginning of others. None is twice.
Labels Mixed(uint64_t i) {
  std::vector<std::string> texts;
  std::vector<LabelView> pairs;
  for (const char* name : {"__name__", "a", "b", "job", "z"}) {
    if (i % 3 != 0) texts.push_back(std::string("v").append(std::to_string(i % 7)));
    i /= 7;
    if (texts.size() == pairs.size()) continue;
    pairs.push_back({name, {}});
  }
  for (size_t k = 0; k < pairs.size(); ++k) pairs[k].value = texts[k];
  return Labels::Of(pairs);
}

TEST(LabelOrder, SortsRankedAndNewSeriesAlike) {
  SeriesSlots slots;
  Postings postings(slots);
  LabelOrder order(slots, postings);
  std::mt19937_64 random(4);
  std::vector<SeriesRef> all;
  for (int round = 0; round < 40; ++round) {
    // Few and many.
    for (uint64_t added = random() % (round % 3 == 0 ? 300U : 20U); added > 0; --added) {
      all.push_back(slots.Add(1, Numbered(random()), INT64_MIN));
      postings.Add(all.back());
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

TEST(LabelOrder, TheIndexOrdersAsTheLabelsDo) {
  SeriesSlots slots;
  Postings postings(slots);
  std::set<Labels> sets;
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    const Labels labels = Mixed(random() % 16807);
    if (!sets.insert(labels).second) continue;
    postings.Add(slots.Add(1, labels, INT64_MIN));
  }
  const Refs refs = postings.AllByLabels();
  ASSERT_EQ(refs.size(), sets.size());
  auto want = sets.begin();
  for (const uint32_t ref : refs) EXPECT_EQ(slots.labels(ref), *want++);
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
