// SPDX-License-Identifier: Apache-2.0
// PromQL over roll-ups in a real PostgreSQL: before and after the samples have expired.
#include <algorithm>
#include <deque>
#include <memory>

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
    const std::vector<storage::SeriesRecord> series = {{1, Labels::Of({{"__name__", "x_total"}})},
                                                       {2, Labels::Of({{"__name__", "h"}})}};
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

  void Write(storage::SeriesId id, const chunks::Chunk& chunk) {
    const storage::ChunkRow row{id,          chunk.min_time, chunk.max_time,
                                chunk.count, chunk.encoding, chunk.data};
    ASSERT_OK(database_->chunks().WriteChunks({}, std::span(&row, 1)));
  }
  // `count` samples of a minute each, values by the number of the minute.
  void WriteFloats(storage::SeriesId id, TimestampMs from, int count) {
    SampleColumns samples;
    for (int i = 0; i < count; ++i) {
      const TimestampMs time = from + i * kMinute;
      samples.Add(time, ValueOf(static_cast<int>((time - kStart) / kMinute)));
    }
    chunks::Chunk chunk;
    chunks::EncodeChunk(samples.timestamps, samples.values, &chunk);
    Write(id, chunk);
  }
  // Of x_total, one value per hour.
  std::vector<double> CountsPerHour(int from, int to) {
    const auto answer = Run("count_over_time(x_total[1h])", from, to, kHour);
    if (answer.series.empty()) return {};
    return {answer.series[0].values.begin(), answer.series[0].values.end()};
  }
  static std::string SqlCounts(const std::string& resolution, const std::string& name = "x_total") {
    return "SELECT sum(count)::text FROM vigil.rollup('" + name + "', '" + resolution +
           "', to_timestamp(" + std::to_string((kStart - kHour) / 1000) + "), to_timestamp(" +
           std::to_string((kStart + 4 * kDay) / 1000) + "))";
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
  head::Head head_{clock_, {.out_of_order_window_ms = 30 * kDay}};
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

TEST_F(RollupLiveTest, ADeletionFromABorderOnSparesWhatIsBefore) {
  ASSERT_OK(database_->maintenance().RunOnce({}));
  policy_.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  database_->maintenance().OnTombstones(
      [this](auto tombstones) { store_->SetTombstones(std::move(tombstones)); });
  storage::Tombstone tombstone;
  tombstone.series = {1};
  // A leaf begins there, too: the sample on the border was in the next one.
  tombstone.span = {kStart + 18 * kHour, kStart + 19 * kHour};
  ASSERT_OK(database_->maintenance().Delete(tombstone));
  const auto counts = [this] { return CountsPerHour(17, 21); };
  const std::vector<double> left = {60, 59, StaleNaN(), 60, 60};
  for (const bool cleaned : {false, true}) {
    if (cleaned) ASSERT_OK(database_->maintenance().CleanTombstones({}));
    const std::vector<double> now = counts();
    ASSERT_EQ(now.size(), left.size());
    for (size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(SameBits(now[i], left[i])) << i << now[i];
  }
}

TEST_F(RollupLiveTest, AStrayOldSampleHidesNoRollups) {
  ASSERT_OK(database_->maintenance().RunOnce({}));
  policy_.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  policy_.time_ms = 60 * kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  // Under the name of its leaf there still is the table that the merge has replaced.
  WriteFloats(1, kStart + 10 * kHour + 30'000, 1);
  const auto all_from = [this](int hour) {
    const std::vector<double> counts = CountsPerHour(hour, 70);
    return std::count(counts.begin(), counts.end(), 60) == 71 - hour;
  };
  // The leaf of the sample begins at hour 6 and ends at hour 12.
  EXPECT_TRUE(all_from(13));
  clock_.Advance(2 * kHour);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_TRUE(all_from(4));
  auto admin = Connect(managed_->conninfo());
  const std::string thin = "SELECT count(*)::text FROM vigil.leaf WHERE thin";
  EXPECT_EQ(Ask(admin.get(), thin), "1");
  EXPECT_EQ(
      Ask(admin.get(), "SELECT sum(count)::text FROM vigil.rollup('x_total', '1h', to_timestamp(" +
                           std::to_string((kStart - kHour) / 1000) + "), to_timestamp(" +
                           std::to_string((kStart + 3 * kDay) / 1000) + "))"),
      "4320");
  // All samples of the leaf come back: they count again.
  WriteFloats(1, kStart + 6 * kHour, 360);
  clock_.Advance(2 * kHour);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Ask(admin.get(), thin), "0");
  EXPECT_EQ(CountsPerHour(8, 8), std::vector<double>{60});
  EXPECT_TRUE(all_from(13));
}

TEST_F(RollupLiveTest, ALeafIsRolledUpBeforeItIsDropped) {
  policy_.time_ms = 60 * kHour;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  auto admin = Connect(managed_->conninfo());
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(database_->metrics().maintenance.rollups, 12U);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.leaf"), "11");
  EXPECT_EQ(CountsPerHour(5, 5), std::vector<double>{60});
  // One that is never rolled up goes a day later.
  clock_.Advance(10 * kMinute);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  WriteFloats(1, kStart + kHour, 10);
  const std::string old =
      "SELECT count(*)::text FROM vigil.leaf WHERE min_time = " + std::to_string(kStart);
  EXPECT_EQ(Ask(admin.get(), old), "1");
  clock_.JumpTo(kStart + 5 * kDay);
  WriteFloats(1, kStart + 5 * kDay, 1);
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Ask(admin.get(), old), "0");
}

TEST_F(RollupLiveTest, LateSamplesInMemoryAreSeen) {
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(CountsPerHour(11, 11), std::vector<double>{60});
  const storage::SeriesRef ref = *store_->Resolve(Labels::Of({{"__name__", "x_total"}}));
  storage::SampleBatch batch;
  batch.Add(ref, clock_.Now(), 1);
  batch.Add(ref, kStart + 10 * kHour + 5, 7);
  const auto outcome = store_->Append(batch, storage::AppendMode::kAllOrNothing);
  ASSERT_OK(outcome);
  ASSERT_EQ(outcome->accepted_late, 1U);
  EXPECT_EQ(CountsPerHour(11, 12), (std::vector<double>{61, 60}));
  ASSERT_OK(store_->WaitDurable(outcome->position, 10'000));
  auto admin = Connect(managed_->conninfo());
  EXPECT_EQ(Ask(admin.get(), SqlCounts("1h")), "4322");
}

TEST_F(RollupLiveTest, SqlReadsSamplesWhereTheResolutionOrALateChunkIsMissing) {
  auto admin = Connect(managed_->conninfo());
  policy_.rollups.one_hour_ms = 0;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Ask(admin.get(), SqlCounts("5m")), "4320");
  EXPECT_EQ(Ask(admin.get(), SqlCounts("1h")), "4320");
  policy_.rollups.one_hour_ms = 400 * kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Ask(admin.get(), SqlCounts("1h")), "4320");
  WriteFloats(1, kStart + 10 * kHour + 5, 1);
  EXPECT_EQ(Ask(admin.get(), SqlCounts("1h")), "4321");
  // A class that is not kept long enough to be rolled up.
  RetentionClass brief;
  brief.match = "{__name__=\"x_total\"}";
  brief.retention_ms = 14 * kDay;
  policy_.classes = {brief};
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  EXPECT_EQ(Ask(admin.get(), SqlCounts("5m")), "4321");
}

TEST_F(RollupLiveTest, NativeHistogramsAreKeptOnePerBucket) {
  // Floats up to hour 6, histograms from then on.
  constexpr storage::SeriesId id = 2;
  WriteFloats(id, kStart, 360);
  std::vector<HistogramSample> all;
  for (int i = 0; i < 3960; ++i) {
    auto histogram = std::make_shared<Histogram>();
    histogram->integer = true;
    histogram->count = histogram->sum = 5 + i % 1000;
    histogram->positive_spans = {{2, 1}};
    histogram->positive_buckets = {histogram->count};
    all.push_back({kStart + 6 * kHour + i * kMinute, std::move(histogram)});
  }
  for (size_t at = 0; at < all.size(); at += 360) {
    chunks::Chunk chunk;
    chunks::EncodeHistogramChunk(std::span(all).subspan(at, 360), &chunk);
    Write(id, chunk);
  }
  ASSERT_OK(database_->maintenance().RunOnce({}));
  // While the samples are there they are read.
  const auto counted = Run("count_over_time(h[2h])", 9, 70, kHour);
  ASSERT_EQ(counted.series.size(), 1U);
  for (const double value : counted.series[0].values) EXPECT_EQ(value, 120);
  policy_.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy_));
  ASSERT_OK(database_->maintenance().RunOnce({}));
  const auto last = Run("histogram_count(last_over_time(h[2h]))", 9, 70, kHour);
  ASSERT_EQ(last.series.size(), 1U);
  for (int hour = 9; hour <= 70; ++hour) {
    EXPECT_EQ(last.series[0].values[static_cast<size_t>(hour - 9)],
              all[static_cast<size_t>((hour - 6) * 60)].histogram->count)
        << hour;
  }
  const auto plain = Run("histogram_count(h)", 10, 30, kHour);
  ASSERT_EQ(plain.series.size(), 1U);
  EXPECT_EQ(plain.series[0].values[3], all[7 * 60].histogram->count);
  // The floats of the first hours.
  EXPECT_EQ(Run("last_over_time(h[1h])", 5, 5, kHour).series.at(0).values[0], ValueOf(300));
  auto admin = Connect(managed_->conninfo());
  EXPECT_EQ(Ask(admin.get(), SqlCounts("1h", "h")), "360");
}

}  // namespace
}  // namespace vigil::postgres
