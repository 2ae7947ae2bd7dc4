// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/chunk_cache.h"

#include <gtest/gtest.h>

namespace vigil::postgres {
namespace {

using storage::SeriesId;

CachedChunksPtr Chunks(const std::string& bytes, const ChunkSpan& span) {
  auto chunks = std::make_shared<CachedChunks>();
  chunks->span = span;
  chunks->bytes = bytes;
  chunks->rows.emplace_back().data = chunks->bytes;
  return chunks;
}

void Put(ChunkCache* cache, uint64_t version, SeriesId series, const std::string& bytes,
         const ChunkSpan& span = {0, 100}) {
  const SeriesId ids[] = {series};
  const CachedChunksPtr chunks[] = {Chunks(bytes, span)};
  cache->Insert(version, ids, chunks);
}

std::string Get(ChunkCache* cache, uint64_t version, SeriesId series,
                const ChunkSpan& span = {0, 100}) {
  const SeriesId ids[] = {series};
  const CachedChunksPtr found = cache->Find(version, span, ids)[0];
  return found == nullptr ? "nothing" : found->bytes;
}

TEST(ChunkCache, FindsByVersionAndSeries) {
  ChunkCache cache(1 << 20);
  Put(&cache, 1, 7, "a");
  Put(&cache, 2, 7, "b");
  EXPECT_EQ(Get(&cache, 1, 7), "a");
  EXPECT_EQ(Get(&cache, 2, 7), "b");
  EXPECT_EQ(Get(&cache, 3, 7), "nothing");
  EXPECT_EQ(Get(&cache, 1, 8), "nothing");
  EXPECT_EQ(cache.metrics().hits, 2U);
  EXPECT_EQ(cache.metrics().misses, 2U);
  EXPECT_EQ(cache.metrics().entries, 2U);
}

TEST(ChunkCache, KnowsNothingOutsideOfWhatWasRead) {
  ChunkCache cache(1 << 20);
  Put(&cache, 1, 7, "a", {10, 20});
  EXPECT_EQ(Get(&cache, 1, 7, {10, 20}), "a");
  EXPECT_EQ(Get(&cache, 1, 7, {12, 18}), "a");
  EXPECT_EQ(Get(&cache, 1, 7, {9, 20}), "nothing");
  EXPECT_EQ(Get(&cache, 1, 7, {10, 21}), "nothing");
}

TEST(ChunkCache, TheLatestReadStays) {
  ChunkCache cache(1 << 20);
  Put(&cache, 1, 7, "a", {10, 20});
  const uint64_t bytes = cache.metrics().bytes;
  Put(&cache, 1, 7, "b", {0, 20});
  EXPECT_EQ(Get(&cache, 1, 7, {0, 20}), "b");
  EXPECT_EQ(cache.metrics().bytes, bytes);
  EXPECT_EQ(cache.metrics().entries, 1U);
}

TEST(ChunkCache, WhatWasNotUsedForLongestGoesFirst) {
  constexpr uint64_t kRoom = 40'000;
  ChunkCache cache(kRoom);
  const std::string bytes(9'000, 'x');
  for (SeriesId id = 1; id <= 4; ++id) Put(&cache, 1, id, bytes);
  EXPECT_EQ(cache.metrics().entries, 4U);
  EXPECT_EQ(Get(&cache, 1, 1), bytes);
  Put(&cache, 2, 1, bytes);
  EXPECT_EQ(Get(&cache, 1, 2), "nothing");
  EXPECT_EQ(Get(&cache, 1, 1), bytes);
  EXPECT_EQ(Get(&cache, 2, 1), bytes);
  EXPECT_EQ(cache.metrics().evictions, 1U);
  EXPECT_LE(cache.metrics().bytes, kRoom);
}

TEST(ChunkCache, ForgetsVersionsThatAreGone) {
  ChunkCache cache(1 << 20);
  Put(&cache, 1, 7, "a");
  Put(&cache, 1, 8, "b");
  Put(&cache, 2, 7, "c");
  const uint64_t versions[] = {2, 3};
  cache.Retain(versions);
  EXPECT_EQ(Get(&cache, 1, 7), "nothing");
  EXPECT_EQ(Get(&cache, 2, 7), "c");
  EXPECT_EQ(cache.metrics().entries, 1U);
  cache.Retain({});
  EXPECT_EQ(cache.metrics().bytes, 0U);
}

TEST(ChunkCache, WithoutRoomItKeepsNothing) {
  ChunkCache cache(0);
  EXPECT_FALSE(cache.Takes(1));
  Put(&cache, 1, 7, "a");
  EXPECT_EQ(Get(&cache, 1, 7), "nothing");
  EXPECT_EQ(cache.metrics().bytes, 0U);
}

}  // namespace
}  // namespace vigil::postgres
