// SPDX-License-Identifier: Apache-2.0
// PromQL over roll-ups in a real PostgreSQL: before and after the samples have expired.
#include <deque>

#include "server/chunks/chunk.h"
#include "server/head/head.h"
#include "server/promql/engine.h"
#include "server/storage/store.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

class RollupLiveTest : public testing::Test {
 protected:
  // Three days of a counter, a sample a minute, every one on a border of minutes.
  void SetUp() override {
    managed_ = StartManaged(path_.path());
    ASSERT_NE(managed_, nullptr);
    DatabaseOptions options = OptionsFor(managed_->conninfo());
    options.clock = &clock_;
    options.maintenance.duty = 1;
    database_ = OpenDatabase(options);
    ASSERT_NE(database_, nullptr);
    policy_.rollups = {60 * kDay, 400 * kDay, kHour};
    ASSERT_OK(database_->maintenance().SetPolicy(policy_));
    std::vector<storage::ChunkRow> rows;
    for (int leaf = 0; leaf < 12; ++leaf) {
      SampleColumns samples;
      for (int i = leaf * 360; i < (leaf + 1) * 360; ++i) {
        samples.Add(kStart + i * kMinute, ValueOf(i));
      }
      chunks::Chunk& chunk = encoded_.emplace_back();
      chunks::EncodeChunk(samples.timestamps, samples.values, &chunk);
      rows.push_back({1, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data});
    }
    const std::vector<storage::SeriesRecord> series = {{1, Labels::Of({{"__name__", "x_total"}})}};
    ASSERT_OK(database_->chunks().WriteChunks(series, rows));
    // Merging waits for a flush behind the leaves.
    ASSERT_OK(database_->chunks().WriteFlush([](storage::ChunkRow*) { return false; }, 0));
    store_ =
        std::make_unique<storage::Store>(head_, database_->journal(), database_->chunks(), clock_);
    store_->SetRollups(&database_->rollups());
    ASSERT_OK(store_->Recover(database_->recovery()));
  }

  // Falls once a day.
  static double ValueOf(int i) { return (i % 1440) * 0.5 + (i % 7); }
  // Over samples (from, to], numbered by minutes.
  static double Sum(int from, int to) {
    double sum = 0;
    for (int i = from + 1; i <= to; ++i) sum += ValueOf(i);
    return sum;
  }
  static double Rise(int from, int to) {
    double rise = 0;
    for (int i = from + 1; i <= to; ++i) rise += storage::RiseOf(ValueOf(i - 1), ValueOf(i));
    return rise;
  }

  promql::QueryResult Run(const std::string& text, int from_hour, int to_hour, int64_t step_ms) {
    promql::QueryRequest request;
    request.text = text;
    request.start = kStart + from_hour * kHour;
    request.end = kStart + to_hour * kHour;
    request.step_ms = step_ms;
    promql::EngineOptions options;
    options.clock = &clock_;
    auto result = promql::Engine(options).Execute(*store_, request);
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : promql::QueryResult();
  }
  // Sums, counts and rises of two hours each, from hour 4 to hour 70.
  void ExpectTrue(const std::string& resolution) {
    const auto sum = Run("sum_over_time(x_total[2h])", 4, 70, kHour);
    const auto count = Run("count_over_time(x_total[2h])", 4, 70, kHour);
    const auto rise = Run("increase(x_total[2h])", 4, 70, kHour);
    const auto last = Run("last_over_time(x_total[2h])", 4, 70, kHour);
    for (const auto* result : {&sum, &count, &rise, &last}) {
      ASSERT_EQ(result->series.size(), 1U);
      ASSERT_EQ(result->series[0].values.size(), 67U);
      ASSERT_FALSE(result->infos.empty());
      EXPECT_NE(result->infos[0].find("roll-ups of " + resolution), std::string::npos)
          << result->infos[0];
    }
    for (int k = 0; k < 67; ++k) {
      const auto i = static_cast<size_t>(k);
      const int to = (4 + k) * 60;
      EXPECT_DOUBLE_EQ(sum.series[0].values[i], Sum(to - 120, to)) << k;
      EXPECT_EQ(count.series[0].values[i], 120) << k;
      EXPECT_EQ(last.series[0].values[i], ValueOf(to)) << k;
      // The edge to the samples is where upstream's extrapolation begins.
      EXPECT_NEAR(rise.series[0].values[i], Rise(to - 120, to), 3) << k;
    }
  }

  const TemporaryPath path_;
  std::unique_ptr<ManagedPostgres> managed_;
  ManualClock clock_{kStart + 3 * kDay + 2 * kHour};
  RetentionPolicy policy_;
  std::deque<chunks::Chunk> encoded_;
  std::unique_ptr<Database> database_;
  head::Head head_{clock_};
  std::unique_ptr<storage::Store> store_;
};

TEST_F(RollupLiveTest, OldSamplesAreAnsweredFromRollups) {
  EXPECT_TRUE(Run("sum_over_time(x_total[2h])", 4, 70, kHour).infos.empty());
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(database_->metrics().maintenance.rollups, 12U);
  ExpectTrue("1h");
  // Steps that only the finer one fits.
  const auto fine = Run("max_over_time(x_total[10m])", 30, 40, 10 * kMinute);
  ASSERT_EQ(fine.infos.size(), 1U);
  EXPECT_NE(fine.infos[0].find("roll-ups of 5m"), std::string::npos) << fine.infos[0];
  EXPECT_EQ(fine.series.at(0).values[0], std::max(ValueOf(1800), ValueOf(1798)));
  // Late samples: until they are rolled up, the leaf and what is behind it is read as samples.
  SampleColumns late;
  late.Add(kStart + 10 * kHour + 5, 7);
  chunks::Chunk chunk;
  chunks::EncodeChunk(late.timestamps, late.values, &chunk);
  const storage::ChunkRow row{1,           chunk.min_time, chunk.max_time,
                              chunk.count, chunk.encoding, chunk.data};
  ASSERT_OK(database_->chunks().WriteChunks({}, std::span(&row, 1)));
  EXPECT_EQ(Run("count_over_time(x_total[2h])", 12, 13, kHour).series.at(0).values[0], 121);

  // Now the samples go: the last day is all that is left of them.
  clock_.Advance(kHour);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  policy_.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Run("count_over_time(x_total[2h])", 12, 13, kHour).series.at(0).values[0], 121);
  const auto daily = Run("sum_over_time(x_total[1d])", 26, 72, kHour);
  ASSERT_EQ(daily.series.size(), 1U);
  for (int k = 10; k < 45; ++k) {  // behind the late one
    EXPECT_DOUBLE_EQ(daily.series[0].values[static_cast<size_t>(k)],
                     Sum((26 + k) * 60 - 1440, (26 + k) * 60))
        << k;
  }
  const auto plain = Run("x_total", 10, 40, 30 * kMinute);
  ASSERT_EQ(plain.series.size(), 1U);
  EXPECT_EQ(plain.series[0].values[1], ValueOf(10 * 60 + 30));
  EXPECT_EQ(plain.infos.size(), 1U);
}

TEST_F(RollupLiveTest, AResolutionThatIsSwitchedOnLaterIsMadeOfAllLeaves) {
  policy_.rollups.one_hour_ms = 0;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  ExpectTrue("5m");
  policy_.rollups.one_hour_ms = 400 * kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  EXPECT_TRUE(Run("sum_over_time(x_total[2h])", 4, 70, kHour).infos.empty());
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(database_->metrics().maintenance.rollups, 24U);
  ExpectTrue("1h");
}

TEST_F(RollupLiveTest, DeletedSamplesDoNotComeBackFromRollups) {
  ASSERT_OK(database_->maintenance().RunOnce({}));
  policy_.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  database_->maintenance().OnTombstones(
      [this](auto tombstones) { store_->SetTombstones(std::move(tombstones)); });
  const auto hour = [this](size_t i) -> double {
    const auto answer = Run("count_over_time(x_total[1h])", 10, 20, kHour);
    return answer.series.at(0).values[i];
  };
  EXPECT_EQ(hour(5), 60);
  storage::Tombstone tombstone;
  tombstone.series = {1};
  tombstone.span = {kStart + 14 * kHour + kMinute, kStart + 15 * kHour};
  ASSERT_OK(database_->maintenance().Delete(tombstone));
  EXPECT_TRUE(IsStaleNaN(hour(5)));
  EXPECT_EQ(hour(4), 60);
  ASSERT_OK(database_->maintenance().CleanTombstones({}));
  EXPECT_TRUE(database_->maintenance().tombstones()->empty());
  EXPECT_TRUE(IsStaleNaN(hour(5)));
  EXPECT_EQ(hour(4), 60);
  EXPECT_EQ(hour(6), 60);
  auto admin = Connect(managed_->conninfo());
  EXPECT_EQ(Ask(admin.get(),
                "SELECT count(*)::text FROM vigil.rollup_1h r, vigil.decode_chunk(r.min_time, "
                "r.count) d WHERE d.t = " +
                    std::to_string(kStart + 14 * kHour)),
            "0");
}

}  // namespace
}  // namespace vigil::postgres
