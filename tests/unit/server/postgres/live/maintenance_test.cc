// SPDX-License-Identifier: Apache-2.0
// Upkeep of the chunk table on a real PostgreSQL: what readers get never changes.
#include "server/postgres/maintenance.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "server/chunks/chunk.h"
#include "server/postgres/snapshot.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::SeriesId;

// One cluster for all tests here, a database of its own for each.
class MaintenanceTest : public testing::Test {
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
    name_ = std::string("upkeep_") + testing::UnitTest::GetInstance()->current_test_info()->name();
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
  std::string AskSql(const std::string& sql) { return Ask(admin_.get(), sql); }
  std::string SqlChunks() { return AskSql("SELECT count(*)::text FROM vigil.chunk"); }
  std::string Tables() {
    return AskSql(
        "SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class WHERE "
        "relnamespace = 'vigil'::regnamespace AND relkind = 'r' AND relname LIKE 'chunk_c%'");
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

TEST_F(MaintenanceTest, MergesAClosedLeafIntoOneChunkPerSeries) {
  ASSERT_OK(database_->journal().WaitDurable(
      database_->journal().Enqueue({{1, Labels::Of({{"__name__", "b"}})},
                                    {2, Labels::Of({{"__name__", "a"}})},
                                    {3, Labels::Of({{"__name__", "b"}})}},
                                   {"page"}),
      10'000));
  for (int i = 0; i < 12; ++i) {
    const TimestampMs time = kStart + i * kHour / 2;
    Flush({Chunk(2, time, 30, i * 30), Chunk(1, time, 30, 5), Chunk(3, time, 30, -i)});
  }
  const SampleColumns before[] = {Read(1), Read(2), Read(3)};
  ASSERT_EQ(before[1].size(), 360U);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "3");
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
  EXPECT_EQ(database_->metrics().maintenance.merged_rows_in, 36U);
  EXPECT_EQ(database_->metrics().maintenance.merged_samples, 1080U);
  for (SeriesId id = 1; id <= 3; ++id) {
    const SampleColumns after = Read(id);
    EXPECT_EQ(after.timestamps, before[id - 1].timestamps);
    EXPECT_EQ(after.values, before[id - 1].values);
  }
  // By metric and series, in the order of the table.
  EXPECT_EQ(AskSql("SELECT string_agg(series_id::text, ',' ORDER BY ctid) FROM vigil.chunk"),
            "2,1,3");
  // Written frozen: nothing is left for vacuum.
  EXPECT_EQ(AskSql("SELECT relfrozenxid::text <> '0' AND pg_visible_in_snapshot('3'::xid8, "
                   "pg_current_snapshot()) FROM pg_class WHERE relname = 'chunk_c1_28333440_g1'"),
            std::string("\1", 1));
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
  // The replaced table stays a few minutes for those who know its name.
  EXPECT_EQ(Tables(), "chunk_c1_28333440,chunk_c1_28333440_g1");
  clock_.Advance(400'000);
  RunOnce();
  EXPECT_EQ(Tables(), "chunk_c1_28333440_g1");
  Reopen();
  EXPECT_EQ(Read(2).size(), 360U);
}

TEST_F(MaintenanceTest, LeavesOpenAndUnflushedLeavesAlone) {
  clock_.JumpTo(kStart + 6 * kHour + 30 * 60'000);
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 0U);
  Reopen();  // since then nothing was flushed: memory may hold more
  clock_.JumpTo(kStart + 9 * kHour);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 0U);
  Flush({});
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
}

TEST_F(MaintenanceTest, FoldsOverlapsAsReadersDo) {
  Flush({Chunk(1, kStart, 60, 0), Chunk(1, kStart + 30 * 60'000, 60, 1000)});
  Flush({Chunk(1, kStart + 15 * 60'000 + 7, 10, 5000)});
  const SampleColumns before = Read(1);
  ASSERT_EQ(before.size(), 100U);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "1");
  const SampleColumns after = Read(1);
  EXPECT_EQ(after.timestamps, before.timestamps);
  EXPECT_EQ(after.values, before.values);
}

TEST_F(MaintenanceTest, LateChunksAreMergedAgainAnHourLater) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  RunOnce();
  Flush({Chunk(1, kStart + 2 * kHour, 30, 7), Chunk(2, kStart, 30, 7)});
  EXPECT_EQ(Read(1).size(), 90U);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "3");
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "2");
  EXPECT_EQ(Read(1).size(), 90U);
  EXPECT_EQ(AskSql("SELECT n_samples::text FROM vigil.leaf"), "120");
}

TEST_F(MaintenanceTest, MoreSamplesThanAChunkHoldsBecomeSeveral) {
  std::vector<ChunkRow> rows;
  for (int i = 0; i < 4; ++i) {
    rows.push_back(Chunk(1, kStart + i * kHour, 12'000, i, 300));
  }
  Flush(rows);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "2");
  EXPECT_EQ(Read(1).size(), 48'000U);
}

TEST_F(MaintenanceTest, NativeHistogramsAreMergedBesideFloats) {
  const auto histograms = [&](TimestampMs time) {
    std::vector<HistogramSample> samples;
    for (int i = 0; i < 20; ++i) {
      auto histogram = std::make_shared<Histogram>();
      histogram->count = 3 + i;
      histogram->positive_spans = {{0, 2}};
      histogram->positive_buckets = {1.0 + i, 2.0};
      samples.push_back({time + i * 60'000, std::move(histogram)});
    }
    chunks::Chunk& chunk = encoded_.emplace_back();
    chunks::EncodeHistogramChunk(samples, &chunk);
    return ChunkRow{1, chunk.min_time, chunk.max_time, chunk.count, chunk.encoding, chunk.data};
  };
  Flush({histograms(kStart), Chunk(1, kStart + kHour / 2, 10, 0), histograms(kStart + kHour),
         Chunk(1, kStart + 2 * kHour, 10, 0)});
  RunOnce();
  EXPECT_EQ(SqlChunks(), "2");
  const SampleColumns after = Read(1);
  EXPECT_EQ(after.size(), 20U);
  ASSERT_EQ(after.histograms.size(), 40U);
  EXPECT_EQ(after.histograms[39].timestamp, kStart + kHour + 19 * 60'000);
  EXPECT_EQ(after.histograms[39].histogram->positive_buckets, (std::vector<double>{20, 2}));
}

TEST_F(MaintenanceTest, ACorruptChunkIsCarriedOver) {
  ChunkRow broken = Chunk(1, kStart + kHour, 30, 3);
  std::string data(broken.data);
  data.back() = static_cast<char>(data.back() ^ 1);
  broken.data = data;
  Flush({Chunk(1, kStart, 30, 1), broken, Chunk(1, kStart + 2 * kHour, 30, 1)});
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.corrupt_chunks, 1U);
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
  EXPECT_EQ(SqlChunks(), "2");
  EXPECT_EQ(Read(1).size(), 60U);
  EXPECT_EQ(undecodable_, 1);
}

TEST_F(MaintenanceTest, ReadersOfTheOldTableDoNotStopTheSwapForEver) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  auto reader = Connect(conninfo_);
  ASSERT_OK(reader->Execute("BEGIN; SELECT count(*) FROM vigil.chunk", 5'000));
  std::jthread later([&] {
    while (Ask(admin_.get(), "SELECT count(*)::text FROM pg_locks WHERE NOT granted") == "0") {
    }
    EXPECT_TRUE(reader->Execute("COMMIT", 5'000));
  });
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
}

TEST_F(MaintenanceTest, AFencedServerChangesNothing) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  RunOnce();
  Flush({Chunk(1, kStart + 2 * kHour, 30, 1)});
  clock_.Advance(2 * kHour);
  ASSERT_OK(admin_->Execute("UPDATE vigil.ingester SET epoch = epoch + 1", 5'000));
  const std::string tables = Tables();
  EXPECT_FALSE(database_->maintenance().RunOnce({}));
  EXPECT_EQ(Tables(), tables);
  EXPECT_EQ(SqlChunks(), "2");
}

TEST_F(MaintenanceTest, LeftOversOfACrashAreDroppedAtTheStart) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  // As if the server had died between building the table and the swap.
  ASSERT_OK(
      admin_->Execute("CREATE TABLE vigil.chunk_c1_28333440_g1 (LIKE vigil.chunk_c1)", 5'000));
  Reopen();
  RunOnce();
  EXPECT_EQ(Tables(), "chunk_c1_28333440");
  Flush({});
  RunOnce();
  EXPECT_EQ(SqlChunks(), "1");
  EXPECT_EQ(Read(1).size(), 60U);
}

TEST_F(MaintenanceTest, ExpiredLeavesAreDroppedWhole) {
  RetentionPolicy policy;
  policy.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  clock_.JumpTo(kStart + 3 * kDay);
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + 2 * kDay - 2 * kHour, 30, 1),
         Chunk(1, kStart + 2 * kDay + kHour, 30, 1), Chunk(1, kStart + 3 * kDay - kHour, 30, 1)});
  // Readers do not get what has expired, dropped or not.
  EXPECT_EQ(Read(1).size(), 60U);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.dropped_by_time, 1U);
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.leaf"), "3");
  EXPECT_EQ(AskSql("SELECT min(min_time)::text FROM vigil.chunk"),
            std::to_string(kStart + 2 * kDay - 2 * kHour));
  EXPECT_EQ(Read(1).size(), 60U);
  policy.time_ms = 0;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  EXPECT_EQ(Read(1).size(), 90U);
}

TEST_F(MaintenanceTest, SeriesWithoutDataLeaveTheCatalogueAtAStop) {
  RetentionPolicy policy;
  policy.time_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  ASSERT_OK(
      admin_->Execute("INSERT INTO vigil.series_data SELECT i, 'm', '{}' FROM "
                      "generate_series(1, 4) i; CREATE TABLE vigil.rollup_x PARTITION OF "
                      "vigil.rollup_1h DEFAULT; INSERT INTO vigil.rollup_1h "
                      "VALUES (4, 0, 0, 1, 1, '', '', '', '', '', '', '')",
                      10'000));
  clock_.JumpTo(kStart + 3 * kDay);
  const TimestampMs recent = kStart + 3 * kDay - kHour;
  Flush({Chunk(1, kStart, 30, 1), Chunk(2, recent, 30, 1), Chunk(3, kStart, 30, 1)});
  RunOnce();
  const std::string noted = "SELECT string_agg(id::text, ',' ORDER BY id) FROM vigil.";
  EXPECT_EQ(AskSql(noted + "expired_series"), "1,3");  // of 4 there are roll-ups
  EXPECT_EQ(AskSql(noted + "series_data"), "1,2,3,4");
  Flush({Chunk(3, recent, 30, 1)});  // it is back
  EXPECT_EQ(*database_->maintenance().DropExpired(), 1U);
  EXPECT_EQ(AskSql(noted + "series_data"), "2,3,4");
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.expired_series"), "0");
}

TEST_F(MaintenanceTest, ClassesHaveLeavesAndRetentionOfTheirOwn) {
  RetentionPolicy policy;
  policy.time_ms = 10 * kDay;
  policy.classes = {{0, "{debug!=\"\"}", kDay}, {0, "up", 20 * kDay}};
  const auto classes = database_->maintenance().SetPolicy(policy);
  ASSERT_OK(classes);
  ASSERT_EQ((*classes)[0].id, 2);
  ASSERT_EQ((*classes)[1].id, 3);
  clock_.JumpTo(kStart + 3 * kDay);
  std::vector<ChunkRow> rows = {Chunk(1, kStart, 30, 1), Chunk(2, kStart, 30, 1),
                                Chunk(2, kStart + kHour, 30, 1), Chunk(3, kStart, 30, 1),
                                Chunk(3, kStart + 3 * kDay - 2 * kHour, 30, 1)};
  rows[1].retention_class = rows[2].retention_class = 2;
  rows[3].retention_class = rows[4].retention_class = 3;
  Flush(rows);
  EXPECT_EQ(Read(2).size(), 0U);  // expired for readers
  EXPECT_EQ(Read(3).size(), 60U);
  EXPECT_EQ(Tables(), "chunk_c1_28333440,chunk_c2_28333440,chunk_c3_28333440,chunk_c3_28337400");
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.chunk_c2"), "2");
  // Merging does not bring classes together.
  policy.classes[0].retention_ms = 9 * kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  RunOnce();
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.chunk_c2_28333440_g1"), "1");
  policy.classes[0].retention_ms = kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  RunOnce();
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.leaf WHERE class = 2"), "0");
  EXPECT_EQ(Read(1).size(), 30U);
  // What a class has that is not configured any more is kept as everything else; it gets its id
  // back when it is.
  std::swap(policy.classes[0], policy.classes[1]);
  policy.classes.pop_back();
  EXPECT_EQ((*database_->maintenance().SetPolicy(policy))[0].id, 3);
  policy.classes.push_back({0, "{debug!=\"\"}", kDay});
  EXPECT_EQ((*database_->maintenance().SetPolicy(policy))[1].id, 2);
  EXPECT_EQ(AskSql("SELECT string_agg(id || ':' || rank, ' ' ORDER BY rank) FROM "
                   "vigil.retention_class WHERE id > 1"),
            "3:1 2:2");
}

storage::Tombstone Deleted(std::vector<SeriesId> series, TimestampMs from, TimestampMs to) {
  storage::Tombstone tombstone;
  tombstone.matchers = "{job=\"x\"}";
  tombstone.series = std::move(series);
  tombstone.span = {from, to};
  return tombstone;
}

TEST_F(MaintenanceTest, DeletesHoldAtOnceAndAfterARestart) {
  Flush({Chunk(1, kStart, 30, 1)});
  int calls = 0;
  database_->maintenance().OnTombstones([&calls](const auto&) { ++calls; });
  ASSERT_OK(database_->maintenance().Delete(Deleted({3, 1}, kStart, kStart + 5)));
  ASSERT_OK(database_->maintenance().Delete(Deleted({}, kStart, kStart + 5)));
  EXPECT_EQ(calls, 2);
  Reopen();
  const auto tombstones = database_->maintenance().tombstones();
  ASSERT_EQ(tombstones->all().size(), 1U);
  EXPECT_EQ(tombstones->all()[0].matchers, "{job=\"x\"}");
  EXPECT_EQ(tombstones->SpansOf(3).size(), 1U);
  EXPECT_EQ(tombstones->SpansOf(2).size(), 0U);
  EXPECT_EQ(AskSql("SELECT concat(vigil.is_deleted(1, t), vigil.is_deleted(2, t), "
                   "vigil.is_deleted(1, t + 6)) FROM (SELECT min_time AS t FROM vigil.chunk) x"),
            "tff");
}

TEST_F(MaintenanceTest, CleaningRemovesDeletedSamplesFromAllLeaves) {
  clock_.JumpTo(kStart + 7 * kHour);
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1), Chunk(2, kStart, 30, 1),
         Chunk(1, kStart + 6 * kHour + kHour / 2, 30, 1), Chunk(3, kStart + 6 * kHour, 30, 1)});
  ASSERT_OK(database_->maintenance().Delete(
      Deleted({1}, kStart + 10 * 60'000, kStart + 6 * kHour + 40 * 60'000)));
  ASSERT_OK(database_->maintenance().CleanTombstones({}));
  EXPECT_TRUE(database_->maintenance().tombstones()->empty());
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.tombstone"), "0");
  const SampleColumns left = Read(1);
  ASSERT_EQ(left.size(), 29U);
  EXPECT_EQ(left.timestamps[9], kStart + 9 * 60'000);
  EXPECT_EQ(left.timestamps[10], kStart + 6 * kHour + 41 * 60'000);
  EXPECT_EQ(Read(2).size(), 30U);
  EXPECT_EQ(Read(3).size(), 30U);
  // The leaf that is open goes on.
  Flush({Chunk(1, kStart + 7 * kHour, 30, 1)});
  EXPECT_EQ(Read(1).size(), 59U);
}

TEST_F(MaintenanceTest, DueRewritesRemoveDeletedSamplesOnceMemoryIsClean) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(2, kStart, 30, 1)});
  RunOnce();
  ASSERT_OK(database_->maintenance().Delete(Deleted({1}, INT64_MIN, kStart + kHour)));
  RunOnce();  // merged a moment ago
  EXPECT_EQ(Read(1).size(), 30U);
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(Read(1).size(), 0U);
  EXPECT_EQ(Read(2).size(), 30U);
  for (int flush = 0; flush < 3; ++flush) {
    EXPECT_FALSE(database_->maintenance().tombstones()->empty());
    // Late: it was in memory when it was deleted.
    if (flush == 0) Flush({Chunk(1, kStart, 10, 1)});
    if (flush > 0) Flush({});
    RunOnce();
  }
  EXPECT_FALSE(database_->maintenance().tombstones()->empty());
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(Read(1).size(), 0U);
  EXPECT_TRUE(database_->maintenance().tombstones()->empty());
}

TEST_F(MaintenanceTest, ASnapshotOfTheClusterStartsAsAStoreOfItsOwn) {
  Flush({Chunk(1, kStart, 30, 1)});
  const TemporaryPath elsewhere;
  std::stop_source stopped;
  stopped.request_stop();
  const auto canceled = managed_->BackUp(elsewhere.path() + "/no", 60'000, stopped.get_token());
  ASSERT_FALSE(canceled);
  EXPECT_EQ(canceled.error().kind, ErrorKind::kCanceled);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
  ASSERT_OK(managed_->BackUp(elsewhere.path() + "/store", 60'000, {}));
  Flush({Chunk(1, kStart + kHour, 30, 1)});
  const auto copy = StartManagedAnew(elsewhere.path() + "/store");
  ASSERT_NE(copy, nullptr);
  DatabaseOptions options = OptionsFor(copy->conninfo() + " dbname=" + name_);
  options.clock = &clock_;
  database_ = OpenDatabase(options);
  ASSERT_NE(database_, nullptr);
  EXPECT_EQ(Read(1).size(), 30U);
  Flush({Chunk(1, kStart + 2 * kHour, 30, 1)});
  EXPECT_EQ(Read(1).size(), 60U);
  database_.reset();
}

TEST_F(MaintenanceTest, ADumpCanBeRestoredIntoAnotherDatabase) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  RunOnce();
  Flush({Chunk(1, kStart + 3 * kHour, 30, 1)});
  const TemporaryPath path;
  const std::string directory = path.path() + "/dump";
  ASSERT_OK(DumpDatabase(conninfo_ + " password='se cr\\'et'", directory, 60'000, {}));
  const auto tool = FindTool("pg_restore");
  ASSERT_OK(tool);
  ASSERT_OK(admin_->Execute("CREATE DATABASE restored TEMPLATE template0", 60'000));
  ProcessSpec restore;
  restore.argv = {*tool, "--exit-on-error", "--dbname=" + managed_->conninfo() + " dbname=restored",
                  directory + "/vigil.dump"};
  ASSERT_OK(vigil::postgres::Run(restore, 60'000));
  DatabaseOptions options = OptionsFor(managed_->conninfo() + " dbname=restored");
  options.clock = &clock_;
  database_ = OpenDatabase(options);
  ASSERT_NE(database_, nullptr);
  EXPECT_EQ(Read(1).size(), 90U);
  Flush({Chunk(1, kStart + 4 * kHour, 30, 1)});
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.merges, 1U);
  EXPECT_EQ(Read(1).size(), 120U);
}

TEST_F(MaintenanceTest, MergedLeavesAreRolledUp) {
  ASSERT_OK(database_->journal().WaitDurable(
      database_->journal().Enqueue({{1, Labels::Of({{"__name__", "up"}})}}, {}), 10'000));
  RetentionPolicy policy;
  policy.rollups = {60 * kDay, 400 * kDay};
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  // Two closed leaves and one that is open; a sample per minute, rising by one.
  clock_.JumpTo(kStart + 14 * kHour);
  for (int i = 0; i < 28; ++i) Flush({Chunk(1, kStart + i * kHour / 2, 30, i * 30)});
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.rollups, 2U);
  // The first sample is on a border: it is in the bucket that ends there.
  EXPECT_EQ(AskSql("SELECT string_agg(n::text, ',') FROM vigil.rollup_5m"), "73,73");
  EXPECT_EQ(AskSql("SELECT string_agg(n::text, ',') FROM vigil.rollup_1h"), "7,7");
  const std::string span = ", to_timestamp(" + std::to_string((kStart - kHour) / 1000) +
                           "), to_timestamp(" + std::to_string((kStart + 14 * kHour) / 1000) + "))";
  // The span of the open leaf comes from its samples, and nothing is lost between rows.
  for (const std::string resolution : {"5m", "1h"}) {
    EXPECT_EQ(AskSql("SELECT concat_ws(' ', sum(count), sum(sum), min(min), max(max), "
                     "sum(increase), count(*)) FROM vigil.rollup('up', '" +
                     resolution + "'" + span),
              resolution == "5m" ? "840 352380 0 839 839 169" : "840 352380 0 839 839 15");
  }
  // A late chunk: rolled up anew, not twice.
  Flush({Chunk(1, kStart + 10, 1, -5)});
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.rollups, 3U);
  EXPECT_EQ(
      AskSql("SELECT concat_ws(' ', sum(count), min(min)) FROM vigil.rollup('up', '1h'" + span),
      "841 -5");
  // They outlive the chunks, and expire in turn.
  policy.time_ms = kHour;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  RunOnce();
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.leaf"), "1");
  EXPECT_EQ(AskSql("SELECT sum(n)::text FROM vigil.rollup_5m"), "146");
  clock_.JumpTo(kStart + 80 * kDay);
  Flush({Chunk(1, kStart + 80 * kDay, 1, 1)});
  RunOnce();
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.rollup_5m"), "0");
  EXPECT_EQ(AskSql("SELECT sum(n)::text FROM vigil.rollup_1h"), "14");
}

TEST_F(MaintenanceTest, LeavesOfADayBecomeOneWhenTheyAreKeptLong) {
  ASSERT_EQ(kStart % kDay, 0);
  RetentionPolicy policy;
  policy.rollups = {60 * kDay, 0};
  policy.time_ms = 31 * kDay;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  clock_.JumpTo(kStart + 3 * kDay);
  std::vector<ChunkRow> rows;
  for (int i = 0; i < 7; ++i) rows.push_back(Chunk(1, kStart + i * 6 * kHour, 360, i));
  Flush(rows);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.rollups, 7U);
  EXPECT_EQ(AskSql("SELECT count(*)::text FROM vigil.leaf"), "7");
  clock_.Advance(kHour);
  RunOnce();
  // The last three are no whole day.
  EXPECT_EQ(AskSql("SELECT string_agg(((end_time - min_time) / 3600000)::text, ',' ORDER BY "
                   "min_time) FROM vigil.leaf"),
            "24,6,6,6");
  EXPECT_EQ(SqlChunks(), "4");
  EXPECT_EQ(Read(1).size(), 2520U);
  // The same samples need no new roll-ups.
  EXPECT_EQ(database_->metrics().maintenance.rollups, 7U);
  Flush({Chunk(1, kStart + 9 * kHour + 7, 10, -1)});
  clock_.Advance(kHour);
  RunOnce();
  EXPECT_EQ(SqlChunks(), "4");
  EXPECT_EQ(Read(1).size(), 2530U);
  EXPECT_EQ(database_->metrics().maintenance.rollups, 8U);
  EXPECT_EQ(AskSql("SELECT sum(n)::text FROM vigil.rollup_5m"), std::to_string(289 + 3 * 73));
}

TEST_F(MaintenanceTest, AClockThatJumpsAheadDeletesNothing) {
  Flush({Chunk(1, kStart, 30, 1), Chunk(1, kStart + kHour, 30, 1)});
  clock_.JumpTo(kStart + 1000 * kDay);
  RunOnce();
  EXPECT_EQ(database_->metrics().maintenance.dropped_by_time, 0U);
  EXPECT_EQ(Read(1).size(), 60U);
}

TEST_F(MaintenanceTest, TheOldestLeavesGoWhenTheStoreIsTooLarge) {
  std::vector<ChunkRow> rows;
  for (int i = 0; i < 8; ++i) rows.push_back(Chunk(1, kStart + i * 6 * kHour, 30, 1));
  clock_.JumpTo(kStart + 44 * kHour);
  Flush(rows);
  RunOnce();
  const uint64_t bytes = database_->metrics().maintenance.store_bytes;
  EXPECT_GT(bytes, 8 * 16'384U);
  RetentionPolicy policy;
  policy.size_bytes = bytes - 1;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  clock_.Advance(400'000);
  RunOnce();
  EXPECT_GE(database_->metrics().maintenance.dropped_by_size, 1U);
  EXPECT_LE(database_->metrics().maintenance.store_bytes, bytes - 1);
  policy.size_bytes = 1;
  ASSERT_OK(database_->maintenance().SetPolicy(policy));
  RunOnce();
  // The leaf that is being filled stays.
  EXPECT_EQ(AskSql("SELECT min(min_time)::text FROM vigil.leaf"),
            std::to_string(kStart + 42 * kHour));
}

}  // namespace
}  // namespace vigil::postgres
