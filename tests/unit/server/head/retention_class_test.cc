// SPDX-License-Identifier: Apache-2.0
// Chunks carry the retention class of their series.
#include <gtest/gtest.h>

#include <map>

#include "server/head/head.h"

namespace vigil::head {
namespace {

using storage::SeriesId;
using storage::SeriesRef;

class RetentionClassTest : public ::testing::Test {
 protected:
  SeriesRef Add(SeriesId id, std::string_view metric) {
    return head_.Insert(id, Labels::Of({{"__name__", metric}}), INT64_MIN);
  }
  // Appends a sample to each of the series and gives the classes of the chunks of a flush.
  std::map<SeriesId, int> Flush(const std::vector<SeriesRef>& refs) {
    clock_.Advance(1000);
    storage::SampleBatch batch;
    for (const SeriesRef ref : refs) batch.Add(ref, clock_.Now(), 1);
    storage::AcceptedSamples accepted;
    head_.Append(batch, storage::AppendMode::kSkipRejected, &accepted);
    head_.BeginGeneration();
    const auto sealed = head_.Seal();
    std::map<SeriesId, int> classes;
    for (storage::ChunkRow row; sealed->Next(&row);) classes[row.series] = row.retention_class;
    head_.MarkFlushed();
    return classes;
  }

  ManualClock clock_{1'700'000'000'000};
  Head head_{clock_};
};

TEST_F(RetentionClassTest, IsTheDefaultOneWithoutAClassifier) {
  EXPECT_EQ(Flush({Add(7, "up")}), (std::map<SeriesId, int>{{7, 1}}));
}

TEST_F(RetentionClassTest, IsGivenToSeriesOldAndNewAndMayChange) {
  const SeriesRef first = Add(1, "debug_x");
  head_.SetClassifier([](const Labels& labels) -> uint16_t {
    return labels.MetricName().starts_with("debug_") ? 5 : 1;
  });
  const SeriesRef second = Add(2, "debug_y");
  const SeriesRef third = Add(3, "up");
  EXPECT_EQ(Flush({first, second, third}), (std::map<SeriesId, int>{{1, 5}, {2, 5}, {3, 1}}));
  EXPECT_EQ(head_.retention_class(second), 5);
  head_.SetClassifier([](const Labels&) -> uint16_t { return 9; });
  EXPECT_EQ(Flush({first, third}), (std::map<SeriesId, int>{{1, 9}, {3, 9}}));
}

}  // namespace
}  // namespace vigil::head
