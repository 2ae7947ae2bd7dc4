// SPDX-License-Identifier: Apache-2.0
#include "server/remote/series_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vigil::remote {
namespace {

std::vector<SeriesCache::Key> Keys(const SeriesCache& cache, size_t count, std::string_view kind) {
  std::vector<SeriesCache::Key> keys;
  for (size_t i = 0; i < count; ++i) {
    keys.push_back(cache.KeyOf(std::string(kind) + std::to_string(i)));
  }
  return keys;
}

TEST(SeriesCache, KnowsNothingAtFirst) {
  const SeriesCache cache(7);
  std::vector<storage::SeriesRef> refs(3, 99);
  EXPECT_EQ(cache.Find(Keys(cache, 3, "a"), refs), 3U);
  EXPECT_EQ(refs, std::vector<storage::SeriesRef>(3, 0));
}

TEST(SeriesCache, FindsEachOfManyAndNoOther) {
  SeriesCache cache(7);
  constexpr size_t kCount = 5'000;
  const auto keys = Keys(cache, kCount, "a");
  for (size_t i = 0; i < kCount; ++i) cache.Insert(keys[i], i + 1);
  EXPECT_EQ(cache.size(), kCount);
  std::vector<storage::SeriesRef> refs(kCount);
  EXPECT_EQ(cache.Find(keys, refs), 0U);
  for (size_t i = 0; i < kCount; ++i) ASSERT_EQ(refs[i], i + 1);
  EXPECT_EQ(cache.Find(Keys(cache, kCount, "b"), refs), kCount);
}

TEST(SeriesCache, KeepsTheLastOfTwoInsertions) {
  SeriesCache cache(7);
  const auto keys = Keys(cache, 1, "a");
  cache.Insert(keys[0], 1);
  cache.Insert(keys[0], 2);
  std::vector<storage::SeriesRef> refs(1);
  EXPECT_EQ(cache.Find(keys, refs), 0U);
  EXPECT_EQ(refs[0], 2U);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(SeriesCache, ForgetsAll) {
  SeriesCache cache(7);
  const auto keys = Keys(cache, 100, "a");
  for (const auto& key : keys) cache.Insert(key, 5);
  cache.Clear();
  std::vector<storage::SeriesRef> refs(keys.size());
  EXPECT_EQ(cache.Find(keys, refs), keys.size());
  EXPECT_EQ(cache.size(), 0U);
}

TEST(SeriesCache, SeedsGiveOtherKeys) {
  EXPECT_NE(SeriesCache(1).KeyOf("x").low, SeriesCache(2).KeyOf("x").low);
}

}  // namespace
}  // namespace vigil::remote
