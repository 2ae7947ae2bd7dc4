// SPDX-License-Identifier: Apache-2.0
// Reads of the chunk table on a real PostgreSQL, with chunks kept in memory.
#include "server/postgres/chunk_reader.h"

#include <algorithm>
#include <deque>
#include <random>
#include <thread>

#include "server/chunks/chunk.h"
#include "server/storage/rising.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::SeriesId;

// One cluster for all tests here, a database of its own for each.
class ChunkReaderTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    path_ = new TemporaryPath();
    managed_ = StartManaged(path_->path()).release();
  }
  static void TearDownTestSuite() {
    delete managed_;
    delete path_;
  }
  void SetUp() override {
    ASSERT_NE(managed_, nullptr);
    ASSERT_EQ(kStart % (6 * kHour), 0);
    name_ = std::string("reader_") + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::transform(name_.begin(), name_.end(), name_.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    auto admin = Connect(managed_->conninfo());
    ASSERT_OK(admin->Execute("CREATE DATABASE " + name_ + " TEMPLATE template0", 60'000));
    conninfo_ = managed_->conninfo() + " dbname=" + name_;
    Open();
    admin_ = Connect(conninfo_);
  }
  void Open() {
    DatabaseOptions options = OptionsFor(conninfo_);
    options.clock = &clock_;
    options.maintenance.duty = 1;
    database_ = OpenDatabase(options);
  }
  void Reopen() {
    database_.reset();
    Open();
  }

  // A chunk of `count` samples from `time` on, one each `step_ms`; values rise from `value`.
  ChunkRow Chunk(SeriesId series, TimestampMs time, size_t count, double value,
                 int64_t step_ms = 60'000) {
    SampleColumns columns;
    for (size_t i = 0; i < count; ++i) {
      columns.Add(time + static_cast<int64_t>(i) * step_ms, value + static_cast<double>(i));
    }
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeChunk(columns.timestamps, columns.values, &chunk);
    return {series, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
  }
  void Flush(const std::vector<ChunkRow>& rows) {
    size_t i = 0;
    const auto done = database_->chunks().WriteFlush(
        [&](ChunkRow* row) {
          if (i == rows.size()) return false;
          *row = rows[i++];
          return true;
        },
        0);
    EXPECT_TRUE(done) << done.error().message;
  }
  void RunOnce() { ASSERT_OK(database_->maintenance().RunOnce({})); }
  // All samples of a series as readers get them.
  SampleColumns Read(SeriesId series) {
    SampleColumns columns;
    const std::vector<SeriesId> ids = {series};
    auto table = database_->chunks().Read(ids, INT64_MIN / 2, INT64_MAX / 2);
    EXPECT_TRUE(table) << table.error().message;
    const storage::ColumnsMark begin(columns);
    for (const ChunkRow& row : table->rows) {
      const chunks::ChunkView view{row.min_time, row.max_time, row.count, row.encoding, row.data};
      const auto decoded = chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &columns);
      if (!decoded) ++undecodable_;
    }
    storage::MakeRising(begin, &columns);
    return columns;
  }

  static inline TemporaryPath* path_ = nullptr;
  static inline ManagedPostgres* managed_ = nullptr;
  std::string name_;
  std::string conninfo_;
  ManualClock clock_{kStart + 8 * kHour};
  std::deque<chunks::Chunk> encoded_;
  int undecodable_ = 0;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> admin_;
};

// What is kept in memory is what the database has, whatever happens to a leaf: each time the answer
// is that of a reader which keeps nothing, and the second time nobody is asked.
class CacheTest : public ChunkReaderTest {
 protected:
  void ExpectRead(SeriesId series, size_t samples, const std::string& when) {
    const SampleColumns first = Read(series);
    EXPECT_EQ(first.size(), samples) << when;
    const uint64_t rows = database_->metrics().chunks.read_rows;
    const uint64_t misses = database_->metrics().chunks.cache.misses;
    const SampleColumns again = Read(series);
    EXPECT_EQ(again.timestamps, first.timestamps) << when;
    EXPECT_EQ(again.values, first.values) << when;
    EXPECT_EQ(database_->metrics().chunks.read_rows, rows) << when;
    EXPECT_EQ(database_->metrics().chunks.cache.misses, misses) << when;
    ExpectAsUncached(series, first, when);
  }
  void ExpectAsUncached(SeriesId series, const SampleColumns& got, const std::string& when) {
    LeafRegistry leaves(6 * kHour);
    ASSERT_OK(leaves.Load(admin_.get(), 10'000));
    const SharedRetention retention{std::make_shared<const RetentionPolicy>()};
    ChunkReader reader({.conninfo = conninfo_}, &leaves, &retention, clock_);
    const std::vector<SeriesId> ids = {series};
    auto table = reader.Read(ids, INT64_MIN / 2, INT64_MAX / 2);
    ASSERT_OK(table);
    SampleColumns want;
    for (const ChunkRow& row : table->rows) {
      const chunks::ChunkView view{row.min_time, row.max_time, row.count, row.encoding, row.data};
      ASSERT_OK(chunks::DecodeChunk(view, INT64_MIN, INT64_MAX, &want));
    }
    storage::MakeRising(storage::ColumnsMark(SampleColumns()), &want);
    EXPECT_EQ(got.timestamps, want.timestamps) << when;
    EXPECT_EQ(got.values, want.values) << when;
  }
};

TEST_F(CacheTest, FollowsFlushesBackfillsMergesAndRetention) {
  ExpectRead(1, 0, "without leaves");
  Flush({Chunk(1, kStart, 30, 1), Chunk(2, kStart, 30, 1)});
  ExpectRead(1, 30, "after the first flush");
  ExpectRead(3, 0, "a series without chunks");
  Flush({Chunk(1, kStart + kHour, 30, 100), Chunk(3, kStart, 10, 5)});
  ExpectRead(1, 60, "after a flush into the same leaf");
  ExpectRead(3, 10, "after its first chunk");
  Flush({Chunk(1, kStart + 30 * 60'000, 15, 7)});
  ExpectRead(1, 75, "after late samples");
  const ChunkRow old[] = {Chunk(1, kStart - 6 * kHour, 20, 3), Chunk(1, kStart + 3 * kHour, 5, 9)};
  ASSERT_OK(database_->chunks().WriteChunks({}, old));
  ExpectRead(1, 100, "after a backfill");
  RunOnce();
  EXPECT_GE(database_->metrics().maintenance.merges, 1U);
  ExpectRead(1, 100, "after a merge");
  Flush({Chunk(1, kStart + 4 * kHour, 5, 9)});
  ExpectRead(1, 105, "after late samples for a merged leaf");
  storage::Tombstone deleted;
  deleted.matchers = "up";
  deleted.series = {1};
  deleted.span = {kStart + kHour, kStart + 2 * kHour};
  ASSERT_OK(database_->maintenance().Delete(deleted));
  ASSERT_OK(database_->maintenance().CleanTombstones({}));
  ExpectRead(1, 75, "after deleted samples were removed");
  clock_.Advance(400 * kDay);
  Flush({Chunk(1, kStart + 400 * kDay, 30, 1)});
  RunOnce();
  ExpectRead(1, 30, "after retention dropped the old leaves");
  ExpectRead(2, 0, "after retention dropped all it had");
  Reopen();
  ExpectRead(1, 30, "after a restart");
}

// Any span, in any order, against a reader that keeps nothing.
TEST_F(CacheTest, AnswersAnySpan) {
  std::vector<ChunkRow> rows;
  for (int i = 0; i < 40; ++i) rows.push_back(Chunk(1 + i % 3, kStart + i * kHour / 2, 20, i));
  Flush(rows);
  LeafRegistry leaves(6 * kHour);
  ASSERT_OK(leaves.Load(admin_.get(), 10'000));
  const SharedRetention retention{std::make_shared<const RetentionPolicy>()};
  ChunkReader slow({.conninfo = conninfo_}, &leaves, &retention, clock_);
  std::mt19937_64 random(5);
  const std::vector<std::vector<SeriesId>> sets = {{1}, {1, 2, 3}, {2, 3, 9}, {3}};
  for (int round = 0; round < 200; ++round) {
    const TimestampMs from = kStart + static_cast<int64_t>(random() % (22 * kHour)) - kHour;
    const TimestampMs to = from + static_cast<int64_t>(random() % (10 * kHour));
    const std::vector<SeriesId>& ids = sets[random() % sets.size()];
    const auto got = database_->chunks().Read(ids, from, to);
    const auto want = slow.Read(ids, from, to);
    ASSERT_OK(got);
    ASSERT_OK(want);
    ASSERT_EQ(got->rows.size(), want->rows.size()) << round;
    for (size_t i = 0; i < want->rows.size(); ++i) {
      EXPECT_EQ(got->rows[i].series, want->rows[i].series);
      EXPECT_EQ(got->rows[i].min_time, want->rows[i].min_time);
      EXPECT_EQ(got->rows[i].data, want->rows[i].data);
    }
  }
  EXPECT_GT(database_->metrics().chunks.cache.hits, 100U);
}

TEST_F(CacheTest, TheNewestLeavesAreReadAheadAfterARestart) {
  std::vector<ChunkRow> rows;
  for (SeriesId id = 9; id > 0; --id) {  // as metrics order them, which is not by id
    rows.push_back(Chunk(id, kStart - 5 * kHour, 50, static_cast<double>(id)));
    rows.push_back(Chunk(id, kStart + kHour, 30, 0.5));
    rows.push_back(Chunk(id, kStart + 2 * kHour, 60, static_cast<double>(id) * 100));
  }
  Flush(rows);
  Reopen();
  while (database_->metrics().chunks.cache.entries < 18) std::this_thread::yield();
  const std::vector<SeriesId> ids = {1, 4, 9};
  const auto recent = database_->chunks().Read(ids, kStart, kStart + 5 * kHour);
  ASSERT_OK(recent);
  EXPECT_EQ(recent->rows.size(), 6U);
  for (const SeriesId id : ids) ExpectAsUncached(id, Read(id), "read ahead");
  EXPECT_EQ(database_->metrics().chunks.read_rows, 0U) << "nobody had to be asked";
  Flush({Chunk(1, kStart + 4 * kHour, 10, 3)});
  ExpectRead(1, 150, "after a flush");
}

TEST_F(CacheTest, QueriesOverEverythingPushNothingOut) {
  std::vector<ChunkRow> rows;
  std::vector<SeriesId> ids;
  for (SeriesId id = 1; id <= 40'000; ++id) {
    rows.push_back(Chunk(1, kStart, 1, 1));
    rows.back().series = id;
    ids.push_back(id);
  }
  Flush(rows);
  ExpectRead(7, 1, "one series");
  const auto table = database_->chunks().Read(ids, INT64_MIN / 2, INT64_MAX / 2);
  ASSERT_OK(table);
  EXPECT_EQ(table->rows.size(), ids.size());
  EXPECT_EQ(database_->metrics().chunks.cache.entries, 1U);
}

}  // namespace
}  // namespace vigil::postgres
