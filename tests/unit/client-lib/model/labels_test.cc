// SPDX-License-Identifier: Apache-2.0
// Label sets and their builder.
#include "client-lib/model/labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace vigil {
namespace {

const Labels kUp = Labels::Of({{"job", "node"}, {"__name__", "up"}, {"instance", "a:1"}});

TEST(Labels, SortsAndDropsEmptyValues) {
  const Labels labels = Labels::Of({{"b", "2"}, {"a", "1"}, {"c", ""}, {"A", "0"}});
  ASSERT_EQ(labels.size(), 3U);
  EXPECT_EQ(labels[0], (LabelView{"A", "0"}));
  EXPECT_EQ(labels[1], (LabelView{"a", "1"}));
  EXPECT_EQ(labels[2], (LabelView{"b", "2"}));
}

TEST(Labels, OfEqualNamesTheLastWins) {
  EXPECT_EQ(Labels::Of({{"a", "1"}, {"a", "2"}}), Labels::Of({{"a", "2"}}));
  EXPECT_TRUE(Labels::Of({{"a", "1"}, {"a", ""}}).empty());
}

TEST(Labels, EmptySetBehaves) {
  const Labels none;
  EXPECT_EQ(none, Labels::Of({}));
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.Get("a"), "");
  EXPECT_EQ(none.ToString(), "{}");
  EXPECT_EQ(none.ToMetricString(), "{}");
  EXPECT_EQ(none.Hash(), none.HashOnly({})) << "the hash of nothing";
  EXPECT_EQ(none.HeapBytes(), 0U);
  EXPECT_LT(none, kUp);
}

TEST(Labels, FindsByName) {
  EXPECT_EQ(kUp.MetricName(), "up");
  EXPECT_EQ(kUp.Get("instance"), "a:1");
  EXPECT_EQ(kUp.Get("instanc"), "");
  EXPECT_TRUE(kUp.Has("job"));
  EXPECT_FALSE(kUp.Has(""));
}

TEST(Labels, EqualContentHasEqualHash) {
  const Labels other = Labels::Of({{"instance", "a:1"}, {"__name__", "up"}, {"job", "node"}});
  EXPECT_EQ(other, kUp);
  EXPECT_EQ(other.Hash(), kUp.Hash());
  EXPECT_EQ(std::hash<Labels>()(other), kUp.Hash());
}

TEST(Labels, HashIsStableAcrossVersions) {
  EXPECT_EQ(Labels().Hash(), 0xef46db3751d8e999ULL);
  EXPECT_EQ(Labels::Of({{"a", "b"}}).Hash(), 0x608891b6a4fd3588ULL);
}

TEST(Labels, BordersBetweenNamesAndValuesCount) {
  const Labels a = Labels::Of({{"ab", "c"}});
  const Labels b = Labels::Of({{"a", "bc"}});
  EXPECT_NE(a, b);
  EXPECT_NE(a.Hash(), b.Hash());
}

TEST(Labels, CopiesShareStorage) {
  std::string_view name;
  Labels copy;
  {
    const Labels original = Labels::Of({{"a", "value"}});
    copy = original;
    name = original.Get("a");
  }
  EXPECT_EQ(copy.Get("a").data(), name.data());
  Labels moved = std::move(copy);
  EXPECT_EQ(moved.Get("a"), "value");
  Labels& self = moved;
  moved = self;
  EXPECT_EQ(moved.Get("a"), "value");
}

TEST(Labels, OrdersByNameThenValue) {
  std::vector<Labels> sets = {Labels::Of({{"b", "1"}}),
                              Labels::Of({{"a", "2"}}),
                              Labels::Of({{"a", "1"}, {"b", "1"}}),
                              Labels::Of({{"a", "1"}}),
                              Labels(),
                              Labels::Of({{"a", "\xff"}}),
                              Labels::Of({{"a", "z"}})};
  std::sort(sets.begin(), sets.end());
  std::string text;
  for (const Labels& set : sets) text += set.ToString() + "\n";
  EXPECT_EQ(text,
            "{}\n{a=\"1\"}\n{a=\"1\", b=\"1\"}\n{a=\"2\"}\n{a=\"z\"}\n{a=\"\\xff\"}\n{b=\"1\"}\n");
}

TEST(Labels, SelectsByName) {
  const std::vector<std::string> names = {"__name__", "job", "none"};
  EXPECT_EQ(kUp.KeepOnly(names), Labels::Of({{"__name__", "up"}, {"job", "node"}}));
  EXPECT_EQ(kUp.Without(names), Labels::Of({{"instance", "a:1"}}));
  EXPECT_EQ(kUp.WithoutName(), Labels::Of({{"instance", "a:1"}, {"job", "node"}}));
  EXPECT_EQ(kUp.KeepOnly({}), Labels());
  EXPECT_EQ(kUp.Without({}), kUp);
}

TEST(Labels, PartialHashesAreThoseOfTheSelection) {
  const std::vector<std::string> names = {"instance", "job"};
  EXPECT_EQ(kUp.HashOnly(names), kUp.KeepOnly(names).Hash());
  EXPECT_EQ(kUp.HashWithout(names), kUp.Without(names).Hash());
  const Labels big = Labels::Of({{"a", std::string(2000, 'x')}, {"b", "1"}});
  const std::vector<std::string> a = {"a"};
  EXPECT_EQ(big.HashOnly(a), big.KeepOnly(a).Hash()) << "beyond the buffer on the stack";
}

TEST(Labels, PrintsAsPromqlDoes) {
  EXPECT_EQ(kUp.ToString(), "{__name__=\"up\", instance=\"a:1\", job=\"node\"}");
  EXPECT_EQ(kUp.ToMetricString(), "up{instance=\"a:1\", job=\"node\"}");
  EXPECT_EQ(Labels::Of({{"__name__", "up"}}).ToMetricString(), "up");
  EXPECT_EQ(Labels::Of({{"A", "1"}}).ToMetricString(), "{A=\"1\"}");
  EXPECT_EQ(Labels::Of({{"__name__", "a.b"}, {"l l", "q\"\n"}}).ToMetricString(),
            "{\"a.b\", \"l l\"=\"q\\\"\\n\"}");
  EXPECT_EQ(Labels::Of({{"__name__", "a.b"}}).ToMetricString(), "{\"a.b\"}");
}

TEST(LabelsBuilder, SetsDeletesAndBuilds) {
  LabelsBuilder builder(kUp);
  builder.Set("job", "").Set("z", "1").Set("z", "2").Delete("nothing").Set("empty", "");
  EXPECT_EQ(builder.Get("z"), "2");
  EXPECT_FALSE(builder.Has("job"));
  EXPECT_EQ(builder.Build(), Labels::Of({{"__name__", "up"}, {"instance", "a:1"}, {"z", "2"}}));
  builder.Reset();
  EXPECT_TRUE(builder.Build().empty());
}

TEST(LabelsBuilder, TakesItsOwnViews) {
  LabelsBuilder builder(Labels::Of({{"a", "a value longer than any small buffer is"}}));
  for (const char* name : {"b", "c", "d", "e"}) builder.Set(name, builder.Get("a"));
  builder.Set("a", builder.Get("a")).Delete(builder.pairs()[1].first);
  EXPECT_EQ(builder.pairs().size(), 4U);
  EXPECT_EQ(builder.Get("e"), "a value longer than any small buffer is");
}

TEST(LabelsBuilder, AgreesWithAMap) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    LabelsBuilder builder;
    std::map<std::string, std::string> model;
    for (int step = 0; step < 20; ++step) {
      const std::string name(1, static_cast<char>('a' + random() % 6));
      const std::string value(random() % 4, 'v');
      builder.Set(name, value);
      model[name] = value;
    }
    std::vector<LabelView> pairs;
    for (const auto& [name, value] : model) pairs.push_back({name, value});
    EXPECT_EQ(builder.Build(), Labels::Of(pairs));
  }
}

TEST(Names, LegacyAndUtf8) {
  EXPECT_TRUE(IsLegacyLabelName("_a1"));
  EXPECT_FALSE(IsLegacyLabelName("a:b"));
  EXPECT_TRUE(IsLegacyMetricName(":a:b1"));
  for (const char* bad : {"", "1a", "a-b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsLegacyMetricName(bad)) << bad;
  }
  EXPECT_TRUE(IsUtf8Name("\xc3\xa4 .b"));
  EXPECT_FALSE(IsUtf8Name(""));
  EXPECT_FALSE(IsUtf8Name("a\xff"));
}

}  // namespace
}  // namespace vigil
