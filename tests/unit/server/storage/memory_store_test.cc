// SPDX-License-Identifier: Apache-2.0
#include "server/storage/memory_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace vigil::storage {
namespace {

// "time:value ..." of the only series that matches.
std::string SamplesIn(const MemoryStore& store, std::string_view name) {
  SelectHints hints;
  hints.start = 0;
  hints.end = 1'000'000;
  const auto set = store.Select({Matcher::Equal("__name__", name)}, hints).value();
  if (set->size() == 0) return "nothing";
  SampleColumns samples;
  EXPECT_TRUE(set->Read(0, &samples).has_value());
  std::string out;
  for (size_t i = 0; i < samples.size(); ++i) {
    out += std::to_string(samples.timestamps[i]) + ":" +
           std::to_string(static_cast<int>(samples.values[i])) + " ";
  }
  for (const HistogramSample& sample : samples.histograms) {
    out += std::to_string(sample.timestamp) + ":histogram ";
  }
  return out;
}

TEST(MemoryStore, JudgesWhatRulesAppend) {
  MemoryStore store;
  const Labels labels = Labels::Of({{"__name__", "a"}});
  store.Add(labels, 1000, 1);
  const SeriesRef ref = store.Resolve(labels).value();
  EXPECT_EQ(store.Resolve(labels).value(), ref);
  SampleBatch batch;
  batch.Add(ref, 1000, 1);      // there already
  batch.Add(ref, 1000, 2);      // with another value
  batch.Add(ref, 500, 3);       // late
  batch.Add(ref, 2000, 4);      // good
  batch.Add(ref + 1, 3000, 4);  // of no series
  batch.Add(ref, 3000, std::make_shared<const Histogram>());
  batch.Add(ref, 3000, std::make_shared<const Histogram>());
  const AppendOutcome outcome = store.Append(batch, AppendMode::kSkipRejected).value();
  EXPECT_EQ(outcome.accepted, 2U);
  EXPECT_EQ(outcome.accepted_histograms, 1U);
  EXPECT_EQ(outcome.duplicates_same, 1U);
  EXPECT_EQ(outcome.duplicates, 2U);
  EXPECT_EQ(outcome.out_of_order, 1U);
  EXPECT_EQ(outcome.unknown_series, 1U);
  EXPECT_EQ(outcome.first_rejected, 1U);
  EXPECT_EQ(outcome.first_reason, SampleVerdict::kDuplicate);
  EXPECT_EQ(SamplesIn(store, "a"), "1000:1 2000:4 3000:histogram ");
}

TEST(MemoryStore, SortsByLabelsWhateverTheName) {
  MemoryStore store;
  store.Add(Labels::Of({{"__name__", "a"}, {"A", "2"}}), 5, 1);
  store.Add(Labels::Of({{"__name__", "b"}, {"A", "1"}}), 5, 1);
  store.Add(Labels::Of({{"x", "y"}}), 5, 1);
  SelectHints hints;
  hints.end = 10;
  const auto order = [&](const std::vector<Matcher>& matchers) {
    const auto set = store.Select(matchers, hints).value();
    std::string out;
    for (size_t i = 0; i < set->size(); ++i) out += set->labels(i).ToMetricString() + " ";
    return out;
  };
  EXPECT_EQ(order({}), "b{A=\"1\"} a{A=\"2\"} {x=\"y\"} ");
  EXPECT_EQ(order({Matcher::Equal("__name__", "a")}), "a{A=\"2\"} ");
  EXPECT_EQ(order({Matcher::Equal("__name__", "")}), "{x=\"y\"} ");
  EXPECT_EQ(order({Matcher::Equal("__name__", "c")}), "");
}

TEST(MemoryStore, ShowsSeriesThatHaveSamplesOnly) {
  MemoryStore store;
  ASSERT_TRUE(store.Resolve(Labels::Of({{"__name__", "empty"}})).has_value());
  EXPECT_EQ(SamplesIn(store, "empty"), "nothing");
  store.Add(Labels::Of({{"__name__", "b"}, {"x", "y"}}), 5, 1);
  EXPECT_EQ(store.LabelNames({}, 0, 10).value(), (std::vector<std::string>{"__name__", "x"}));
  EXPECT_EQ(store.LabelNames({}, 6, 10).value(), std::vector<std::string>());
  EXPECT_EQ(store.LabelValues("__name__", {}, 0, 10).value(), std::vector<std::string>{"b"});
  store.Clear();
  EXPECT_EQ(SamplesIn(store, "b"), "nothing");
}

}  // namespace
}  // namespace vigil::storage
