// SPDX-License-Identifier: Apache-2.0
#include "server/postgres/series_merge.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <random>
#include <string>

#include "server/chunks/chunk.h"
#include "server/storage/rising.h"

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::DeletedSpan;

constexpr TimestampMs kEnd = 1'000'000;

class SeriesMergeTest : public testing::Test {
 protected:
  ChunkRow Chunk(TimestampMs time, size_t count, double value, int64_t step = 10) {
    SampleColumns columns;
    for (size_t i = 0; i < count; ++i) columns.Add(time + static_cast<int64_t>(i) * step, value);
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeChunk(columns.timestamps, columns.values, &chunk);
    return {7, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data, 3};
  }
  // As a flush packs them.
  ChunkRow Flushed(const SampleColumns& columns) {
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeChunk(columns.timestamps, columns.values, &chunk);
    return {7, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data, 3};
  }
  // Merges what came out once more: the same rows to the byte.
  void ExpectMergedAgainTheSame() {
    const auto before = std::move(out_);
    out_.clear();
    std::vector<ChunkRow> rows;
    for (const auto& [row, data] : before) {
      rows.push_back(row);
      rows.back().data = data;
    }
    Merge(rows);
    ASSERT_EQ(out_.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(out_[i].first.min_time, before[i].first.min_time) << i;
      EXPECT_EQ(out_[i].first.count, before[i].first.count) << i;
      EXPECT_EQ(out_[i].first.encoding, before[i].first.encoding) << i;
      EXPECT_TRUE(out_[i].second == before[i].second) << i;
    }
  }
  void Merge(const std::vector<ChunkRow>& rows, const std::vector<DeletedSpan>& deleted = {}) {
    ASSERT_TRUE(merge_.Merge(rows, deleted));
  }
  // The samples of what came out.
  SampleColumns Samples() const {
    SampleColumns columns;
    const storage::ColumnsMark begin(columns);
    for (const auto& [row, data] : out_) {
      const chunks::ChunkView view{row.min_time, row.max_time, row.count, row.encoding, data};
      EXPECT_TRUE(chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &columns));
    }
    storage::MakeRising(begin, &columns);
    return columns;
  }

  std::deque<chunks::Chunk> encoded_;
  std::vector<std::pair<ChunkRow, std::string>> out_;
  SeriesMerge merge_{kEnd, [this](const ChunkRow& row) -> Result<void> {
                       out_.emplace_back(row, std::string(row.data));
                       return Ok();
                     }};
};

TEST_F(SeriesMergeTest, ASingleChunkGoesThroughAsItIs) {
  const ChunkRow row = Chunk(100, 5, 1);
  Merge({row});
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_EQ(out_[0].second, row.data);
  EXPECT_EQ(out_[0].first.retention_class, 3);
}

TEST_F(SeriesMergeTest, OfOneTimestampTheFirstChunkWins) {
  Merge({Chunk(100, 5, 1), Chunk(120, 5, 2)});
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_EQ(out_[0].first.retention_class, 3);
  EXPECT_EQ(Samples().values, (std::vector<double>{1, 1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(merge_.counts().newest, 160);
  EXPECT_EQ(merge_.counts().samples_out, 7U);
}

TEST_F(SeriesMergeTest, LargeRowsBecomeSeveralThatFillPages) {
  std::mt19937_64 random(3);
  std::vector<ChunkRow> rows;
  SampleColumns all;
  for (int part = 0; part < 4; ++part) {
    SampleColumns columns;
    for (int i = 0; i < 1'440; ++i) {
      columns.Add((part * 1'440 + i) * 100, static_cast<double>(random() % 1'000));
    }
    all.timestamps.insert(all.timestamps.end(), columns.timestamps.begin(),
                          columns.timestamps.end());
    all.values.insert(all.values.end(), columns.values.begin(), columns.values.end());
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeChunk(columns.timestamps, columns.values, &chunk);
    rows.push_back({7, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data, 3});
  }
  Merge(rows);
  ASSERT_EQ(out_.size(), 4U);
  for (const auto& [row, data] : out_) {
    EXPECT_EQ(row.count, 1'440U);
    EXPECT_LT(data.size(), 2'600U);
  }
  EXPECT_EQ(Samples().timestamps, all.timestamps);
  EXPECT_EQ(Samples().values, all.values);
}

// 600 different values have 9.23 bits; packed as a flush does they take 10.
TEST_F(SeriesMergeTest, WhatIsMergedIsPackedDensely) {
  std::mt19937_64 random(4);
  std::vector<ChunkRow> rows;
  for (int part = 0; part < 2; ++part) {
    SampleColumns columns;
    for (int i = 0; i < 720; ++i) {
      columns.Add((part * 720 + i) * 100, static_cast<double>(random() % 600));
    }
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeChunk(columns.timestamps, columns.values, &chunk);
    rows.push_back({7, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data, 3});
  }
  Merge(rows);
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_LT(out_[0].second.size() * 8, 1'440 * 9.3 + 8 * 50);
  EXPECT_EQ(Samples().size(), 1'440U);
}

// `most` different values with two staleness markers and a NaN among them.
SampleColumns NoiseWithGaps(int count, uint64_t most) {
  std::mt19937_64 random(5);
  SampleColumns columns;
  for (int i = 0; i < count; ++i) {
    double value = static_cast<double>(random() % most);
    if (i == 100 || i == count - 20) value = StaleNaN();
    if (i == 300) value = std::numeric_limits<double>::quiet_NaN();
    columns.Add(i * 100, value);
  }
  return columns;
}

bool IsBlocks(const ChunkRow& row) {
  return row.encoding >> 8 == static_cast<uint32_t>(chunks::ValueEncoding::kBlocks);
}

void ExpectSameSamples(const SampleColumns& got, const SampleColumns& want) {
  EXPECT_EQ(got.timestamps, want.timestamps);
  ASSERT_EQ(got.values.size(), want.values.size());
  for (size_t i = 0; i < want.values.size(); ++i) {
    EXPECT_TRUE(SameBits(got.values[i], want.values[i])) << i;
  }
}

TEST_F(SeriesMergeTest, ASingleChunkOfAFlushIsPackedDenselyOnce) {
  const SampleColumns columns = NoiseWithGaps(1'440, 600);
  const ChunkRow row = Flushed(columns);
  ASSERT_TRUE(IsBlocks(row));
  Merge({row});
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_LT(out_[0].second.size(), row.data.size() * 97 / 100);
  EXPECT_TRUE(IsBlocks(out_[0].first));
  EXPECT_EQ(out_[0].first.retention_class, 3);
  ExpectSameSamples(Samples(), columns);
  ExpectMergedAgainTheSame();
}

TEST_F(SeriesMergeTest, ASingleLargeChunkBecomesPiecesThatStayAsTheyAre) {
  const SampleColumns columns = NoiseWithGaps(5'000, 600);
  const ChunkRow row = Flushed(columns);
  ASSERT_TRUE(IsBlocks(row));
  ASSERT_GT(row.data.size(), 2'600U);
  Merge({row});
  EXPECT_EQ(out_.size(), 3U);
  for (const auto& [piece, data] : out_) EXPECT_LT(data.size(), 2'600U);
  ExpectSameSamples(Samples(), columns);
  ExpectMergedAgainTheSame();
  ExpectSameSamples(Samples(), columns);
}

TEST_F(SeriesMergeTest, ASingleBrokenChunkOfAFlushIsCarriedOverAndCountedOnce) {
  ChunkRow row = Flushed(NoiseWithGaps(1'440, 600));
  ASSERT_TRUE(IsBlocks(row));
  std::string broken(row.data);
  broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 1);
  row.data = broken;
  Merge({row});
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_TRUE(out_[0].second == broken);
  EXPECT_EQ(out_[0].first.count, row.count);
  EXPECT_EQ(merge_.counts().corrupt, 1U);
  EXPECT_EQ(merge_.counts().rows_out, 1U);
}

TEST_F(SeriesMergeTest, PiecesAreOfEqualLength) {
  Merge({Chunk(0, 30'000, 1, 3), Chunk(90'000, 10'000, 2, 3)});
  ASSERT_EQ(out_.size(), 2U);
  EXPECT_EQ(out_[0].first.count, 20'000U);
  EXPECT_EQ(out_[1].first.count, 20'000U);
}

TEST_F(SeriesMergeTest, DeletedSamplesAreLeftOut) {
  Merge({Chunk(100, 5, 1), Chunk(200, 5, 2), Chunk(300, 5, 3)}, {{120, 130}, {195, 245}});
  EXPECT_EQ(Samples().timestamps,
            (std::vector<TimestampMs>{100, 110, 140, 300, 310, 320, 330, 340}));
  out_.clear();
  Merge({Chunk(100, 5, 1)}, {{0, 1000}});
  EXPECT_TRUE(out_.empty());
  Merge({Chunk(100, 5, 1)}, {{0, 100}});
  EXPECT_EQ(Samples().size(), 4U);
}

TEST_F(SeriesMergeTest, AChunkBeyondTheEndIsCarriedOver) {
  const ChunkRow over = Chunk(kEnd - 20, 5, 1);
  Merge({Chunk(100, 5, 1), over, Chunk(200, 5, 2)}, {{kEnd, kEnd}});
  ASSERT_EQ(out_.size(), 2U);
  EXPECT_EQ(out_[0].second, over.data);
  EXPECT_EQ(merge_.counts().unpurged, 1U);
  EXPECT_EQ(merge_.counts().corrupt, 0U);
}

TEST_F(SeriesMergeTest, ABrokenChunkIsCarriedOverUnlessAllOfItIsDeleted) {
  ChunkRow broken = Chunk(200, 5, 2);
  broken.data = "broken";
  Merge({Chunk(100, 5, 1), broken});
  ASSERT_EQ(out_.size(), 2U);
  EXPECT_EQ(out_[0].second, "broken");
  EXPECT_EQ(merge_.counts().corrupt, 1U);
  out_.clear();
  Merge({Chunk(100, 5, 1), broken}, {{200, 240}});
  EXPECT_EQ(Samples().size(), 5U);
  EXPECT_EQ(merge_.counts().corrupt, 1U);
}

}  // namespace
}  // namespace vigil::postgres
