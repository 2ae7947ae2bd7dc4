// SPDX-License-Identifier: Apache-2.0
#include "server/storage/metadata_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vigil::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const MetricMetadata kA{"a", "counter", "Told first", ""};
const MetricMetadata kNewA{"a", "counter", "Told last", ""};
const MetricMetadata kB{"b", "gauge", "", "bytes"};

TEST(MetadataStore, GivesOutWhatChanged) {
  MetadataStore store;
  store.Put(std::vector{kB, kA});
  EXPECT_THAT(store.TakeChanged(), ElementsAre(kA, kB));
  store.Put(std::vector{kB, kA});
  EXPECT_THAT(store.TakeChanged(), IsEmpty());
  store.Put(std::vector{kNewA});
  EXPECT_THAT(store.Get(""), ElementsAre(kNewA, kB));
  EXPECT_THAT(store.Get("b"), ElementsAre(kB));
  EXPECT_THAT(store.Get("c"), IsEmpty());
}

TEST(MetadataStore, WhatWasNotWrittenComesAgainInItsNewestForm) {
  MetadataStore store;
  store.Put(std::vector{kA});
  const auto taken = store.TakeChanged();
  store.Put(std::vector{kNewA});
  store.GiveBack(taken);
  EXPECT_THAT(store.TakeChanged(), ElementsAre(kNewA));
}

TEST(MetadataStore, WhatWasToldMeanwhileIsNotOverwritten) {
  MetadataStore store;
  store.Put(std::vector{kNewA});
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
  store.Put(many);
  store.Put(std::vector{kA, MetricMetadata{"m7", "counter", "", ""}});
  EXPECT_THAT(store.Get("a"), IsEmpty());
  EXPECT_EQ(store.Get("m7").at(0).type, "counter");
}

}  // namespace
}  // namespace vigil::storage
