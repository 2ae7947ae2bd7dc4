// SPDX-License-Identifier: Apache-2.0
#include "server/head/postings.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "server/head/head.h"

namespace vigil::head {
namespace {

class PostingsTest : public ::testing::Test {
 protected:
  void Add(const Labels& labels) { postings_.Add(slots_.Add(1, labels, INT64_MIN)); }

  // Every pod of a few jobs; some labels are missing.
  void AddMany(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      LabelsBuilder builder;
      builder.Set("__name__", std::string("metric_").append(std::to_string(i % 7)));
      builder.Set("job", i % 3 == 0 ? "api" : "node");
      if (i % 5 != 0) builder.Set("pod", std::string("pod-").append(std::to_string(i)));
      if (i % 2 == 0) builder.Set("zone", std::string(1, static_cast<char>('a' + i % 4)));
      Add(builder.Build());
    }
  }

  Refs BruteForce(const std::vector<Matcher>& matchers) const {
    Refs refs;
    for (SeriesRef ref = 1; slots_.Has(ref); ++ref) {
      if (MatchesAll(matchers, slots_.labels(ref))) refs.push_back(static_cast<uint32_t>(ref));
    }
    return refs;
  }

  SeriesSlots slots_;
  Postings postings_{slots_};
};

Matcher Make(MatchType type, std::string_view name, std::string_view value) {
  return Matcher::Create(type, name, value).value();
}

TEST_F(PostingsTest, AgreesWithBruteForce) {
  AddMany(500);
  const std::string_view names[] = {"__name__", "job", "pod", "zone", "nowhere"};
  const std::string_view values[] = {"",           "api",          "node",     "a",
                                     "pod-1",      "a|c",          "pod-1.*",  ".*",
                                     ".+",         "metric_(1|2)", "|a",       "metric_3",
                                     "api|api",    "pod-.*9",      "x|y",      "[a-b]",
                                     "nothing",    "a?",           "node|api", "metric_.*",
                                     "(api|no).*", "pod-[1-3].*",  ".*-1.*",   "pod-1.+|pod-2..?"};
  const MatchType types[] = {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegexp,
                             MatchType::kNotRegexp};
  const auto expect = [this](const std::vector<Matcher>& matchers) {
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
    EXPECT_EQ(postings_.Match(matchers), BruteForce(matchers)) << text;
  };
  expect({});
  std::vector<Matcher> all;
  for (const std::string_view name : names) {
    for (const std::string_view value : values) {
      for (const MatchType type : types) {
        all.push_back(Make(type, name, value));
        expect({all.back()});
      }
    }
  }
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::vector<Matcher> matchers;
    for (uint64_t left = 1 + random() % 4; left > 0; --left) {
      matchers.push_back(all[random() % all.size()]);
    }
    expect(matchers);
  }
}

// Enough series for the ways that many of them are joined.
TEST_F(PostingsTest, AgreesWithBruteForceOverManySeries) {
  AddMany(6'000);
  const Matcher all[] = {Make(MatchType::kRegexp, "__name__", "metric_[1-3]"),
                         Make(MatchType::kEqual, "job", "api"),
                         Make(MatchType::kRegexp, "job", "a.*|n.*"),
                         Make(MatchType::kRegexp, "pod", ".+"),
                         Make(MatchType::kRegexp, "pod", "pod-.*7.*"),
                         Make(MatchType::kNotEqual, "zone", "a"),
                         Make(MatchType::kNotRegexp, "zone", "a|b|c"),
                         Make(MatchType::kEqual, "zone", ""),
                         Make(MatchType::kNotRegexp, "pod", "pod-1.*|"),
                         Make(MatchType::kRegexp, "zone", "a|c"),
                         Make(MatchType::kNotRegexp, "job", ".*"),
                         Make(MatchType::kRegexp, "zone", "a|"),
                         Make(MatchType::kRegexp, "job", ".*"),
                         Make(MatchType::kNotEqual, "job", "")};
  for (const Matcher& a : all) {
    for (const Matcher& b : all) {
      EXPECT_EQ(postings_.Match({a, b}), BruteForce({a, b})) << a.ToString() << b.ToString();
    }
  }
}

TEST_F(PostingsTest, GivesNamesAndValuesOfSomeSeries) {
  AddMany(6'000);
  const auto expect = [this](const std::vector<Matcher>& matchers) {
    const Refs found = postings_.Match(matchers);
    const std::vector<SeriesRef> refs(found.begin(), found.end());
    std::set<std::string> names;
    std::map<std::string_view, std::set<std::string>> values;
    for (const SeriesRef ref : refs) {
      for (const LabelView label : slots_.labels(ref)) {
        names.emplace(label.name);
        values[label.name].emplace(label.value);
      }
    }
    EXPECT_EQ(postings_.NamesOf(refs), std::vector<std::string>(names.begin(), names.end()));
    for (const std::string_view name : {"__name__", "job", "pod", "zone", "nowhere"}) {
      EXPECT_EQ(postings_.ValuesOf(name, refs),
                std::vector<std::string>(values[name].begin(), values[name].end()));
    }
  };
  expect({Make(MatchType::kRegexp, "__name__", "metric_[1-3]")});
  expect({Make(MatchType::kRegexp, "pod", "pod-1.+")});
  expect({Matcher::Equal("zone", ""), Matcher::Equal("job", "api")});
  expect({Matcher::Equal("pod", "pod-7")});
  expect({Matcher::Equal("pod", "nothing")});
}

TEST_F(PostingsTest, GivesNamesAndValuesInOrder) {
  Add(Labels::Of({{"__name__", "up"}, {"job", "b"}}));
  Add(Labels::Of({{"__name__", "up"}, {"job", "a"}, {"x", "1"}}));
  EXPECT_EQ(postings_.Names(), (std::vector<std::string>{"__name__", "job", "x"}));
  EXPECT_EQ(postings_.Values("job"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(postings_.Values("y").empty());
}

TEST_F(PostingsTest, GivesAllSeriesByMetric) {
  Add(Labels::Of({{"__name__", "b"}, {"i", "1"}}));
  Add(Labels::Of({{"i", "2"}}));
  Add(Labels::Of({{"__name__", "a"}, {"i", "3"}}));
  Add(Labels::Of({{"__name__", "b"}, {"i", "4"}}));
  EXPECT_EQ(postings_.AllBy("__name__"), (Refs{3, 1, 4, 2}));
}

TEST(RefSet, SetOperationsAgreeWithTheStandardOnes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    const auto make = [&random] {
      Refs refs;
      const uint64_t size = random() % (random() % 10 == 0 ? 1000 : 20);
      uint32_t last = 0;
      for (uint64_t i = 0; i < size; ++i) {
        refs.push_back(last += 1 + static_cast<uint32_t>(random() % 5));
      }
      return refs;
    };
    const Refs a = make();
    const Refs b = make();
    Refs want;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(want));
    Refs got = a;
    IntersectWith(b, &got);
    EXPECT_EQ(got, want);
    want.clear();
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(want));
    got = a;
    Subtract(b, &got);
    EXPECT_EQ(got, want);
    want.clear();
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(want));
    for (const size_t max : {size_t{5100}, size_t{10'000'000}}) {
      RefUnion both(max);
      both.Add(a);
      both.Add(b);
      EXPECT_EQ(both.Take(), want);
    }
  }
}

TEST(PostingsCardinality, NamesTheLargest) {
  ManualClock clock{1'700'000'000'000};
  Head head(clock);
  storage::SeriesId id = 1;
  for (const auto& [name, job, count] :
       {std::tuple("a", "x", 3), std::tuple("b", "x", 2), std::tuple("c", "yy", 2)}) {
    for (int i = 0; i < count; ++i) {
      head.Insert(id++, Labels::Of({{"__name__", name}, {"job", job}, {"i", std::to_string(i)}}),
                  INT64_MIN);
    }
  }
  using Counts = storage::NamedCounts;
  const storage::Cardinality all = head.GetCardinality(10);
  EXPECT_EQ(all.series_by_metric, (Counts{{"a", 3}, {"b", 2}, {"c", 2}}));
  EXPECT_EQ(all.values_by_label, (Counts{{"__name__", 3}, {"i", 3}, {"job", 2}}));
  EXPECT_EQ(all.bytes_by_label, (Counts{{"job", 9}, {"__name__", 7}, {"i", 7}}));
  EXPECT_EQ(all.series_by_pair.front(), std::pair(std::string("job=x"), uint64_t{5}));
  EXPECT_EQ(all.series_by_pair.size(), 8U);
  const storage::Cardinality largest = head.GetCardinality(2);
  EXPECT_EQ(largest.series_by_metric, (Counts{{"a", 3}, {"b", 2}}));
  EXPECT_EQ(largest.series_by_pair, (Counts{{"job=x", 5}, {"__name__=a", 3}}));
  EXPECT_EQ(head.CountWith("job", "x"), 5U);
  EXPECT_EQ(head.CountWith("job", "z"), 0U);
  EXPECT_EQ(head.CountWith("nothing", "z"), 0U);
}

}  // namespace
}  // namespace vigil::head
