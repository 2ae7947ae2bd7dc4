// SPDX-License-Identifier: Apache-2.0
// Which roll-ups a deletion takes along, and which leaves become a day, on a real PostgreSQL.
#include <deque>
#include <memory>

#include "server/chunks/chunk.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

constexpr int64_t kSixHours = 6 * kHour;

class RollupRulesTest : public testing::Test {
 protected:
  // Nine leaves of one series, a sample per minute; merged and rolled up to both resolutions.
  void SetUp() override {
    managed_ = StartManaged(path_.path());
    ASSERT_NE(managed_, nullptr);
    ASSERT_EQ(kStart % kDay, 0);
    DatabaseOptions options = OptionsFor(managed_->conninfo());
    options.clock = &clock_;
    options.maintenance.duty = 1;
    database_ = OpenDatabase(options);
    ASSERT_NE(database_, nullptr);
    admin_ = Connect(managed_->conninfo());
    // Too short for leaves of a day.
    policy_.time_ms = 10 * kDay;
    policy_.rollups = {60 * kDay, 400 * kDay, kHour};
    Apply();
    for (int leaf = 0; leaf < 9; ++leaf) Write(kStart + leaf * kSixHours, 360);
    // Merging waits for a flush behind the leaves.
    ASSERT_OK(database_->chunks().WriteFlush([](storage::ChunkRow*) { return false; }, 0));
    RunOnce();
    ASSERT_EQ(database_->metrics().maintenance.rollups, 9U);
  }
  void Apply() { ASSERT_OK(database_->maintenance().SetPolicy(policy_)); }
  void RunOnce() { ASSERT_OK(database_->maintenance().RunOnce({})); }
  void Write(TimestampMs from, int count) { WriteOf(1, "up", from, count); }
  void WriteOf(storage::SeriesId id, std::string_view name, TimestampMs from, int count) {
    SampleColumns samples;
    for (int i = 0; i < count; ++i) samples.Add(from + i * kMinute, i);
    chunks::Chunk chunk;
    chunks::EncodeChunk(samples.timestamps, samples.values, &chunk);
    const storage::ChunkRow row{id,          chunk.min_time, chunk.max_time,
                                chunk.count, chunk.encoding, chunk.data};
    const std::vector<storage::SeriesRecord> series = {{id, Labels::Of({{"__name__", name}})}};
    ASSERT_OK(database_->chunks().WriteChunks(series, std::span(&row, 1)));
  }
  // Buckets that begin within the two times.
  std::string Buckets(const std::string& resolution, TimestampMs from, TimestampMs to) {
    return Ask(admin_.get(), "SELECT count(*)::text FROM vigil.rollup_" + resolution +
                                 " r, vigil.decode_chunk(r.min_time, r.count) d WHERE d.t >= " +
                                 std::to_string(from) + " AND d.t < " + std::to_string(to));
  }
  std::string LeafHours() {
    return Ask(admin_.get(),
               "SELECT string_agg(((end_time - min_time) / 3600000)::text, ',' ORDER BY min_time) "
               "FROM vigil.leaf");
  }

  const TemporaryPath path_;
  std::unique_ptr<ManagedPostgres> managed_;
  ManualClock clock_{kStart + 56 * kHour};
  RetentionPolicy policy_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> admin_;
};

// What is rolled up anew is without the deleted samples; a resolution that is switched off is not,
// though its leaf is still there.
TEST_F(RollupRulesTest, ADeletionReachesAResolutionThatIsSwitchedOff) {
  policy_.rollups.one_hour_ms = 0;
  Apply();
  const TimestampMs from = kStart + 14 * kHour;
  EXPECT_EQ(Buckets("1h", from, from + kHour), "1");
  EXPECT_EQ(Buckets("5m", from, from + kHour), "12");
  storage::Tombstone tombstone;
  tombstone.series = {1};
  tombstone.span = {from + kMinute, from + kHour};
  ASSERT_OK(database_->maintenance().Delete(tombstone));
  ASSERT_OK(database_->maintenance().CleanTombstones({}));
  EXPECT_EQ(Buckets("5m", from, from + kHour), "0");
  EXPECT_EQ(Buckets("1h", from, from + kHour), "0");
  // No more than what has deleted samples.
  EXPECT_EQ(Buckets("1h", from - kHour, from), "1");
  EXPECT_EQ(Buckets("5m", from + kHour, from + 2 * kHour), "12");
}

// A leaf that is gone and has a stray late sample is thin: its roll-ups have what it has not. In a
// day with others they would be taken for thin, too.
TEST_F(RollupRulesTest, AThinLeafJoinsNoDay) {
  policy_.time_ms = 47 * kHour;
  Apply();
  RunOnce();
  ASSERT_EQ(LeafHours(), "6,6,6,6,6,6,6,6");
  policy_.time_ms = 31 * kDay;
  Apply();
  Write(kStart + 2 * kHour + 30'000, 1);
  clock_.JumpTo(kStart + 3 * kDay);
  RunOnce();
  EXPECT_EQ(Ask(admin_.get(), "SELECT min_time::text FROM vigil.leaf WHERE thin"),
            std::to_string(kStart));
  clock_.Advance(kHour);
  RunOnce();
  // The second day is whole; the first has the thin leaf.
  EXPECT_EQ(LeafHours(), "6,6,6,6,24,6");
}

// A sample on the border of its leaf is in the bucket that ends there: the row lies before the
// leaf, and goes all the same when the leaf is rolled up anew.
TEST_F(RollupRulesTest, ARowBeforeItsLeafIsReplacedToo) {
  const TimestampMs border = kStart + 5 * kSixHours;
  WriteOf(2, "edge", border, 1);
  clock_.Advance(2 * kHour);
  RunOnce();
  const auto count = [this](const std::string& resolution) {
    return Ask(admin_.get(), "SELECT sum(count)::text FROM vigil.rollup('edge', '" + resolution +
                                 "', to_timestamp(" + std::to_string(kStart / 1000) +
                                 "), to_timestamp(" + std::to_string((kStart + 3 * kDay) / 1000) +
                                 "))");
  };
  EXPECT_EQ(count("5m"), "1");
  WriteOf(2, "edge", border + 3 * kHour, 1);
  clock_.Advance(2 * kHour);
  RunOnce();
  EXPECT_EQ(count("5m"), "2");
  EXPECT_EQ(count("1h"), "2");
  EXPECT_EQ(database_->metrics().maintenance.merge_failures, 0U);
}

}  // namespace
}  // namespace vigil::postgres
