// SPDX-License-Identifier: Apache-2.0
#include "server/storage/rolled_up_series_set.h"

#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "server/chunks/chunk.h"
#include "server/head/head.h"

namespace vigil::storage {
namespace {

constexpr int64_t kBucketMs = 3'600'000;

TEST(RolledUpSeriesSet, RowsOfHistogramsMayOverlap) {
  std::deque<chunks::Chunk> encoded;
  const auto table = std::make_shared<RollupTable>();
  // Buckets by number, with histograms of as many observations.
  const auto add_row = [&](const std::vector<std::pair<int, int>>& buckets) {
    std::vector<HistogramSample> samples;
    for (const auto& [bucket, count] : buckets) {
      auto histogram = std::make_shared<Histogram>();
      histogram->count = histogram->sum = count;
      histogram->positive_spans = {{0, 1}};
      histogram->positive_buckets = {histogram->count};
      samples.push_back({bucket * kBucketMs, std::move(histogram)});
    }
    chunks::Chunk& chunk = encoded.emplace_back();
    chunks::EncodeHistogramChunk(samples, &chunk);
    RollupRow& row = table->rows.emplace_back();
    row.series = 1;
    row.histograms = {1, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
  };
  add_row({{0, 10}, {1, 11}, {2, 12}, {3, 13}, {4, 14}});
  add_row({{2, 22}, {5, 25}});
  add_row({{3, 33}});

  const ManualClock clock{100 * kBucketMs};
  const head::Head head(clock);
  std::vector<RolledUpGroup> groups(1);
  groups[0].pieces = {{kBucketMs, 0, 50 * kBucketMs, 50 * kBucketMs}};
  groups[0].tables = {table};
  groups[0].samples.resize(2);
  std::vector<RolledUpSeries> series(1);
  series[0].id = 1;
  series[0].samples = {RolledUpSeries::kNone, RolledUpSeries::kNone};
  const RolledUpSeriesSet set(head, 0, std::move(groups), std::move(series), nullptr,
                              std::make_shared<std::atomic<uint64_t>>(0));
  SampleColumns read;
  ASSERT_TRUE(set.Read(0, &read));
  std::vector<std::pair<int64_t, double>> found;
  for (const HistogramSample& one : read.histograms) {
    found.emplace_back(one.timestamp / kBucketMs, one.histogram->count);
  }
  // At the ends of their buckets; of those in two rows the one of the later row.
  EXPECT_EQ(found, (std::vector<std::pair<int64_t, double>>{
                       {1, 10}, {2, 11}, {3, 22}, {4, 33}, {5, 14}, {6, 25}}));
  EXPECT_TRUE(set.warnings().empty());
}

}  // namespace
}  // namespace vigil::storage
