// SPDX-License-Identifier: Apache-2.0
#include "server/storage/metadata_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "server/head/head.h"
#include "server/storage/limits.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"

namespace vigil::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const MetricMetadata kA{"a", "counter", "Told first", ""};
const MetricMetadata kNewA{"a", "counter", "Told last", ""};
const MetricMetadata kB{"b", "gauge", "", "bytes"};

TEST(MetadataStore, GivesOutWhatChanged) {
  MetadataStore store;
  store.Put(std::vector{kB, kA}, 1);
  EXPECT_THAT(store.TakeChanged(), ElementsAre(kA, kB));
  store.Put(std::vector{kB, kA}, 1);
  EXPECT_THAT(store.TakeChanged(), IsEmpty());
  store.Put(std::vector{kNewA}, 2);
  EXPECT_THAT(store.Get(""), ElementsAre(kNewA, kB));
  EXPECT_THAT(store.Get("b"), ElementsAre(kB));
  EXPECT_THAT(store.Get("c"), IsEmpty());
}

TEST(MetadataStore, WhatWasNotWrittenComesAgainInItsNewestForm) {
  MetadataStore store;
  store.Put(std::vector{kA}, 1);
  const auto taken = store.TakeChanged();
  store.Put(std::vector{kNewA}, 2);
  store.GiveBack(taken);
  EXPECT_THAT(store.TakeChanged(), ElementsAre(kNewA));
}

TEST(MetadataStore, WhatWasToldMeanwhileIsNotOverwritten) {
  MetadataStore store;
  store.Put(std::vector{kNewA}, 2);
  store.Restore({kA, kB});
  EXPECT_THAT(store.Get(""), ElementsAre(kNewA, kB));
  EXPECT_THAT(store.TakeChanged(), ElementsAre(kNewA));
}

TEST(MetadataStore, ABoundedNumberOfMetrics) {
  MetadataStore store;
  std::vector<MetricMetadata> many;
  for (size_t i = 0; i < MetadataStore::kMaxMetrics; ++i) {
    many.push_back({"m" + std::to_string(i), "gauge", "", ""});
  }
  store.Put(many, 1);
  store.Put(std::vector{kA, MetricMetadata{"m7", "counter", "", ""}}, 2);
  EXPECT_THAT(store.Get("a"), IsEmpty());
  EXPECT_EQ(store.Get("m7").at(0).type, "counter");
}

TEST(MetadataStore, ABoundedNumberOfBytes) {
  MetadataStore store;
  MetricMetadata row{"a", "gauge", std::string(MetadataStore::kMaxTextBytes - 1, 'x') + "\u20ac",
                     ""};
  store.Put(std::vector{row}, 1);
  EXPECT_EQ(store.Get("a").at(0).help, std::string(MetadataStore::kMaxTextBytes - 1, 'x'))
      << "cut between characters";
  const size_t fit = MetadataStore::kMaxBytes / MetadataStore::kMaxTextBytes;
  for (size_t i = 0; i < fit; ++i) {
    row.metric = "m" + std::to_string(i);
    store.Put(std::vector{row}, 1);
  }
  EXPECT_THAT(store.Get("m" + std::to_string(fit - 1)), IsEmpty());
  EXPECT_FALSE(store.Get("m0").empty());
}

TEST(MetadataStore, MetricsThatCannotHaveSeriesAreLeftOut) {
  MetadataStore store;
  store.Put(std::vector{MetricMetadata{std::string(kMaxMetricNameBytes + 1, 'm'), "gauge", "", ""},
                        MetricMetadata{std::string(kMaxMetricNameBytes, 'm'), "gauge", "", ""}},
            1);
  EXPECT_EQ(store.TakeChanged().size(), 1U);
}

TEST(MetadataStore, WhatHasNoSeriesMayBeForgotten) {
  MetadataStore store;
  const std::vector<std::string> metrics = {"b_total", "c_bucket", "d"};
  store.Restore({{"a", "", "", ""}, {"b", "", "", ""}, {"c", "", "", ""}, {"d", "", "", ""}});
  store.Put(std::vector{MetricMetadata{"e", "", "", ""}}, 100);
  EXPECT_THAT(store.Unused(metrics, 100), ElementsAre("a"));
  EXPECT_THAT(store.Unused(metrics, 101), ElementsAre("a", "e"));
  EXPECT_EQ(store.TakeChanged().size(), 1U);
  // Told again before it was forgotten: the table gets it once more.
  store.Put(std::vector{MetricMetadata{"e", "", "", ""}}, 200);
  store.Forget(std::vector<std::string>{"a", "e"}, 101);
  EXPECT_THAT(store.Get("a"), IsEmpty());
  EXPECT_EQ(store.TakeChanged().at(0).metric, "e");
}

class FakeMetadataTable : public MetadataTable {
 public:
  Result<void> WriteMetadata(std::span<const MetricMetadata> rows) override {
    for (const MetricMetadata& row : rows) table[row.metric] = row;
    return Ok();
  }
  Result<std::vector<MetricMetadata>> ReadMetadata() override {
    std::vector<MetricMetadata> rows;
    for (const auto& [name, row] : table) rows.push_back(row);
    return rows;
  }
  Result<void> RemoveMetadata(std::span<const std::string> metrics) override {
    for (const std::string& metric : metrics) table.erase(metric);
    return Ok();
  }
  std::map<std::string, MetricMetadata> table;
};

TEST(MetadataStore, TheStoreForgetsWhatHasNoSeries) {
  ManualClock clock{1'700'000'000'000};
  vigil::testing::FakeBackend backend;
  head::Head head(clock);
  Store store(head, backend, backend, clock);
  FakeMetadataTable table;
  table.table = {{"a", kA}, {"b", kB}};
  ASSERT_TRUE(store.Resolve(Labels::Of({{"__name__", "a_total"}})));
  ASSERT_TRUE(store.RestoreMetadata(table));
  EXPECT_THAT(store.Metadata(""), ElementsAre(kA)) << "b has no series";
  EXPECT_EQ(table.table.size(), 1U);
  // Metadata may come before its samples, but not for ever.
  store.PutMetadata(std::vector{kB});
  ASSERT_TRUE(store.WriteMetadata(table));
  EXPECT_EQ(table.table.size(), 2U);
  clock.Advance(2 * Store::kMetadataGraceMs);
  ASSERT_TRUE(store.WriteMetadata(table));
  EXPECT_THAT(store.Metadata(""), ElementsAre(kA));
  EXPECT_EQ(table.table.size(), 1U);
}

}  // namespace
}  // namespace vigil::storage
