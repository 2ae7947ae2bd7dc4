// SPDX-License-Identifier: Apache-2.0
// Journal, chunks and recovery on a real PostgreSQL.
#include <algorithm>
#include <cmath>

#include "client-lib/model/sample.h"
#include "server/postgres/exemplar_table.h"
#include "server/storage/limits.h"
#include "tests/unit/server/postgres/live/live.h"

namespace vigil::postgres {
namespace {

using storage::ChunkRow;
using storage::JournalPosition;

// One cluster for all tests here, a database of its own for each.
class StoreTest : public testing::Test {
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
    name_ = std::string("test_") + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::transform(name_.begin(), name_.end(), name_.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    auto admin = Connect(managed_->conninfo());
    ASSERT_OK(admin->Execute("CREATE DATABASE " + name_ + " TEMPLATE template0", 60'000));
    conninfo_ = managed_->conninfo() + " dbname=" + name_;
  }
  void Open() { database_ = OpenDatabase(OptionsFor(conninfo_)); }
  void Reopen() {
    database_.reset();
    Open();
  }
  JournalPosition Put(std::vector<std::string> pages) {
    return database_->journal().Enqueue({}, std::move(pages));
  }
  void PutAndWait(std::vector<std::string> pages) {
    const auto waited = database_->journal().WaitDurable(Put(std::move(pages)), 10'000);
    EXPECT_TRUE(waited) << waited.error().message;
  }
  // Rows with data made from their numbers.
  void Flush(const std::vector<ChunkRow>& rows, JournalPosition flushed) {
    size_t i = 0;
    const auto done = database_->chunks().WriteFlush(
        [&](ChunkRow* row) {
          if (i == rows.size()) return false;
          *row = rows[i++];
          return true;
        },
        flushed);
    EXPECT_TRUE(done) << done.error().message;
  }

  static inline TemporaryPath* path_ = nullptr;
  static inline ManagedPostgres* managed_ = nullptr;
  std::string name_;
  std::string conninfo_;
  std::unique_ptr<Database> database_;
};

ChunkRow Row(int64_t series, int64_t min_time, int64_t max_time, std::string_view data) {
  ChunkRow row;
  row.series = series;
  row.min_time = min_time;
  row.max_time = max_time;
  row.count = 10;
  row.encoding = 0x0302;
  row.data = data;
  return row;
}

TEST_F(StoreTest, MigratesOnceAndOpensAgain) {
  Open();
  EXPECT_EQ(database_->metrics().schema_version, Migrations().size());
  Reopen();
  EXPECT_EQ(database_->metrics().schema_version, Migrations().size());
  EXPECT_TRUE(database_->connected());
}

TEST_F(StoreTest, RefusesASchemaFromTheFuture) {
  Open();
  database_.reset();
  auto admin = Connect(conninfo_);
  ASSERT_OK(admin->Execute("INSERT INTO vigil.schema_version VALUES (999, 'later')", 5'000));
  const auto refused = Database::Open(OptionsFor(conninfo_));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("schema version 999"), std::string::npos);
}

TEST_F(StoreTest, FailedMigrationLeavesNothingBehind) {
  auto connection = Connect(conninfo_);
  const std::vector<Migration> broken = {
      Migrations()[0], {2, "0002_broken", "CREATE TABLE vigil.half (x int); SELECT 1/0"}};
  const auto failed = MigrateSchema(connection.get(), broken, 5'000);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("0002_broken"), std::string::npos);
  EXPECT_EQ(Ask(connection.get(), "SELECT (to_regclass('vigil.half') IS NULL)::text"), "true");
  EXPECT_EQ(Ask(connection.get(), "SELECT max(version)::text FROM vigil.schema_version"), "1");
}

TEST_F(StoreTest, ReplaysWhatIsNotFlushedInOrder) {
  Open();
  PutAndWait({"p1", "p2"});
  const JournalPosition cut = database_->journal().Cut();
  PutAndWait({"p3"});
  Reopen();
  EXPECT_EQ(ReplayedPages(database_.get()), (std::vector<std::string>{"p1", "p2", "p3"}));
  Flush({Row(1, 1000, 2000, "c")}, cut);
  Reopen();
  EXPECT_EQ(ReplayedPages(database_.get()), (std::vector<std::string>{"p3"}));
}

TEST_F(StoreTest, PositionsGoOnAfterARestart) {
  Open();
  const JournalPosition first = Put({"p1", "p2"});
  ASSERT_OK(database_->journal().WaitDurable(first, 10'000));
  Reopen();
  EXPECT_EQ(Put({"p3"}), first + 1);
}

TEST_F(StoreTest, PositionsGoOnAfterEverythingWasFlushedAndEmptied) {
  Open();
  PutAndWait({"p1"});
  JournalPosition cut = database_->journal().Cut();
  PutAndWait({"p2"});
  Flush({}, cut);
  EXPECT_EQ(database_->metrics().chunks.truncations, 1U);
  cut = database_->journal().Cut();
  Flush({}, cut);
  auto admin = Connect(conninfo_);
  ASSERT_OK(admin->Execute("TRUNCATE vigil.journal_1", 5'000));
  Reopen();
  EXPECT_EQ(Put({"p3"}), cut + 1);
}

TEST_F(StoreTest, RingMovesOnAndIsEmptiedBehindTheFlush) {
  Open();
  auto admin = Connect(conninfo_);
  for (int round = 0; round < 20; ++round) {
    PutAndWait({"page"});
    const JournalPosition cut = database_->journal().Cut();
    PutAndWait({"page behind the cut"});
    Flush({}, cut);
  }
  EXPECT_EQ(database_->metrics().journal.ring_full, 0U);
  EXPECT_GE(database_->metrics().chunks.truncations, 19U);
  EXPECT_LE(database_->metrics().journal.ring_tables_in_use, 2U);
}

TEST_F(StoreTest, KeepsAppendingWhenTheRingIsFull) {
  Open();
  for (int round = 0; round < 12; ++round) {
    PutAndWait({"page " + std::to_string(round)});
    database_->journal().Cut();
  }
  EXPECT_EQ(database_->metrics().journal.ring_tables_in_use, 8U);
  Reopen();
  const auto pages = ReplayedPages(database_.get());
  ASSERT_EQ(pages.size(), 12U);
  for (int round = 0; round < 12; ++round) {
    EXPECT_EQ(pages[static_cast<size_t>(round)], "page " + std::to_string(round));
  }
}

TEST_F(StoreTest, SqlReaderOfAJournalTableDelaysTruncationOnly) {
  Open();
  PutAndWait({"p1"});
  const JournalPosition cut = database_->journal().Cut();
  PutAndWait({"p2"});
  auto reader = Connect(conninfo_);
  ASSERT_OK(reader->Execute("BEGIN; SELECT count(*) FROM vigil.journal_0", 5'000));
  Flush({}, cut);
  EXPECT_EQ(database_->metrics().chunks.truncation_failures, 1U);
  ASSERT_OK(reader->Execute("COMMIT", 5'000));
  PutAndWait({"p3"});
  Flush({}, cut);
  EXPECT_EQ(database_->metrics().chunks.truncations, 1U);
  EXPECT_EQ(ReplayedPages(database_.get()).size(), 2U);
}

TEST_F(StoreTest, SeriesComeBackWithTheirLabels) {
  Open();
  std::vector<storage::SeriesRecord> series;
  series.push_back({1, Labels::Of({{"__name__", "up"}, {"job", "a \"b\\c\""}, {"Zone", "x{},"}})});
  series.push_back({2, Labels::Of({{"job", "no name"}})});
  series.push_back({3, Labels::Of({{"__name__", "schön"}})});
  series.push_back({4, Labels::Of({{"__name__", "bad"}, {"x", std::string_view("a\0b", 3)}})});
  ASSERT_OK(
      database_->journal().WaitDurable(database_->journal().Enqueue(series, {"page"}), 10'000));
  std::vector<storage::SeriesRecord> loaded;
  ASSERT_OK(database_->recovery().LoadSeries(
      [&](storage::SeriesRecord record) { loaded.push_back(std::move(record)); }));
  ASSERT_EQ(loaded.size(), 4U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(loaded[i].id, series[i].id);
    EXPECT_EQ(loaded[i].labels, series[i].labels) << loaded[i].labels.ToString();
  }
  EXPECT_EQ(loaded[3].labels.Get("x"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(database_->metrics().journal.mended_labels, 1U);
}

TEST_F(StoreTest, SeriesIdsAreUniqueOverRestarts) {
  Open();
  const auto first = database_->journal().NextSeriesId();
  ASSERT_OK(first);
  EXPECT_GT(*first, 0);
  Reopen();
  const auto second = database_->journal().NextSeriesId();
  ASSERT_OK(second);
  EXPECT_GT(*second, *first);
}

TEST_F(StoreTest, ChunksComeBackFromSeveralLeaves) {
  Open();
  constexpr int64_t kOneHour = 3'600'000;
  const std::string big(5000, 'x');
  Flush(
      {Row(7, 1 * kOneHour, 2 * kOneHour, "seven early"), Row(7, 13 * kOneHour, 14 * kOneHour, big),
       Row(8, -1 * kOneHour, 1 * kOneHour, "eight, before the epoch"),
       Row(9, 5 * kOneHour, 9 * kOneHour, "nine, over the edge of its leaf")},
      0);
  const auto read = [&](std::vector<storage::SeriesId> ids, int64_t from, int64_t to) {
    std::vector<std::string> data;
    auto table = database_->chunks().Read(ids, from, to);
    EXPECT_TRUE(table) << table.error().message;
    for (const ChunkRow& row : table->rows) data.emplace_back(row.data);
    return data;
  };
  using Strings = std::vector<std::string>;
  EXPECT_EQ(
      read({7, 8, 9}, -10 * kOneHour, 20 * kOneHour),
      (Strings{"seven early", big, "eight, before the epoch", "nine, over the edge of its leaf"}));
  EXPECT_EQ(read({7}, 0, 3 * kOneHour), (Strings{"seven early"}));
  EXPECT_EQ(read({9}, 8 * kOneHour, 8 * kOneHour), (Strings{"nine, over the edge of its leaf"}));
  EXPECT_EQ(read({9}, 10 * kOneHour, 11 * kOneHour), Strings());
  EXPECT_EQ(read({1}, 0, 20 * kOneHour), Strings());
  EXPECT_EQ(database_->metrics().chunks.leaves, 3U);
  Reopen();
  EXPECT_EQ(database_->metrics().chunks.leaves, 3U);
  EXPECT_EQ(read({8}, 0, 0), (Strings{"eight, before the epoch"}));
  const auto table = database_->chunks().Read(std::vector<storage::SeriesId>{7}, 0, kOneHour);
  EXPECT_EQ(table->rows[0].min_time, kOneHour);
  EXPECT_EQ(table->rows[0].max_time, 2 * kOneHour);
  EXPECT_EQ(table->rows[0].count, 10U);
  EXPECT_EQ(table->rows[0].encoding, 0x0302U);
}

TEST_F(StoreTest, FlushOfManyRowsIsOneTransaction) {
  Open();
  const std::string data(200, 'd');
  std::vector<ChunkRow> rows;
  for (int64_t i = 0; i < 30'000; ++i) rows.push_back(Row(i, 1000 + i % 7, 2000, data));
  Flush(rows, 0);
  std::vector<storage::SeriesId> ids(30'000);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i);
  const auto table = database_->chunks().Read(ids, 0, 5000);
  ASSERT_OK(table);
  EXPECT_EQ(table->rows.size(), rows.size());
  EXPECT_TRUE(std::is_sorted(table->rows.begin(), table->rows.end(),
                             [](const auto& a, const auto& b) { return a.series < b.series; }));
}

TEST_F(StoreTest, ReaderFindsALeafThatWasReplaced) {
  Open();
  Flush({Row(1, 1000, 2000, "one")}, 0);
  const std::vector<storage::SeriesId> ids = {1};
  ASSERT_OK(database_->chunks().Read(ids, 0, 5000));
  auto admin = Connect(conninfo_);
  ASSERT_OK(
      admin->Execute("BEGIN; ALTER TABLE vigil.chunk_c1_0 RENAME TO chunk_c1_0_new; "
                     "UPDATE vigil.leaf SET rel = 'chunk_c1_0_new'; COMMIT",
                     5'000));
  // With a series that is not kept in memory.
  const std::vector<storage::SeriesId> more = {1, 2};
  const auto table = database_->chunks().Read(more, 0, 5000);
  ASSERT_OK(table);
  EXPECT_EQ(table->rows.size(), 1U);
}

TEST_F(StoreTest, SecondServerIsRefusedWhileTheFirstLives) {
  Open();
  const auto second = Database::Open(OptionsFor(conninfo_));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use by another vigil-server"), std::string::npos);
  PutAndWait({"the first goes on"});
  database_.reset();
  Open();
  EXPECT_TRUE(database_->connected());
}

TEST_F(StoreTest, FormerOwnerIsFencedAfterATakeover) {
  Open();
  PutAndWait({"mine"});
  auto admin = Connect(conninfo_);
  ASSERT_OK(admin->Execute("UPDATE vigil.ingester SET epoch = epoch + 1", 5'000));
  const auto waited = database_->journal().WaitDurable(Put({"too late"}), 10'000);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(database_->fenced());
  EXPECT_FALSE(database_->journal().HasRoom());
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.journal_0"), "1");
}

TEST_F(StoreTest, FlushOfAFormerOwnerLeavesNothing) {
  Open();
  auto admin = Connect(conninfo_);
  ASSERT_OK(admin->Execute("UPDATE vigil.ingester SET epoch = epoch + 1", 5'000));
  bool given = false;
  const auto done = database_->chunks().WriteFlush(
      [&](ChunkRow* row) {
        *row = Row(1, 1, 2, "x");
        return !std::exchange(given, true);
      },
      0);
  EXPECT_FALSE(done);
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.chunk"), "0");
}

TEST_F(StoreTest, KilledBackendLosesNothing) {
  Open();
  auto admin = Connect(conninfo_);
  std::vector<std::string> sent;
  JournalPosition last = 0;
  for (int i = 0; i < 300; ++i) {
    sent.push_back("page " + std::to_string(i));
    last = Put({sent.back()});
    if (i % 50 == 25) {
      ASSERT_OK(
          admin->Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                         "application_name = 'vigil-journal'",
                         5'000));
    }
  }
  ASSERT_OK(database_->journal().WaitDurable(last, 20'000));
  EXPECT_EQ(ReplayedPages(database_.get()), sent);
}

TEST_F(StoreTest, ReadsGoOnAfterIdleConnectionsDied) {
  Open();
  Flush({Row(1, 1000, 2000, "one")}, 0);
  const std::vector<storage::SeriesId> ids = {1};
  ASSERT_OK(database_->chunks().Read(ids, 0, 5000));
  auto admin = Connect(conninfo_);
  ASSERT_OK(
      admin->Execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
                     "application_name = 'vigil-read'",
                     10'000));
  // With a series that is not kept in memory.
  const std::vector<storage::SeriesId> more = {1, 2};
  const auto table = database_->chunks().Read(more, 0, 5000);
  ASSERT_OK(table);
  EXPECT_EQ(table->rows.size(), 1U);
}

TEST_F(StoreTest, KnowsHowFarTheChunksGo) {
  Open();
  EXPECT_EQ(*database_->recovery().NewestInChunks(), INT64_MIN);
  Flush({Row(1, 1000, 2000, "one"), Row(2, 500, 7000, "two")}, 0);
  EXPECT_EQ(*database_->recovery().NewestInChunks(), 7000);
}

TEST_F(StoreTest, KeepsExemplarsByDay) {
  Open();
  constexpr int64_t kOneDay = 86'400'000;
  ManualClock clock{20'000 * kOneDay + 1000};
  ExemplarTableOptions options;
  options.conninfo = conninfo_;
  RetentionPolicy policy;
  policy.time_ms = 2 * kOneDay;
  const SharedRetention retention(std::make_shared<const RetentionPolicy>(policy));
  options.retention = &retention;
  PostgresExemplarTable table(options, clock);
  const auto row = [&](storage::SeriesId series, TimestampMs time, double value,
                       Labels labels) -> storage::ExemplarRow {
    return {series, {std::move(labels), value, time}};
  };
  const Labels traced = Labels::Of({{"trace_id", "a\"b\\,{}"}, {"x", "y"}});
  const TimestampMs now = clock.Now();
  // Too old and too far ahead are left out.
  ASSERT_OK(table.WriteExemplars(
      std::vector{row(1, now, 0.25, traced), row(2, now - kOneDay, NormalNaN(), Labels()),
                  row(3, now - 3 * kOneDay, 1, traced), row(4, now + 2 * 3'600'000, 1, traced)}));
  auto admin = Connect(conninfo_);
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.exemplar"), "2");
  EXPECT_EQ(Ask(admin.get(), "SELECT labels->>'trace_id' FROM vigil.exemplar WHERE series_id = 1"),
            "a\"b\\,{}");
  auto newest = table.ReadNewest(10);
  ASSERT_OK(newest);
  ASSERT_EQ(newest->size(), 2U);
  EXPECT_EQ((*newest)[0].series, 2);
  EXPECT_TRUE(std::isnan((*newest)[0].exemplar.value));
  EXPECT_TRUE((*newest)[0].exemplar.labels.empty());
  EXPECT_EQ((*newest)[1].exemplar.labels, traced);
  EXPECT_EQ((*newest)[1].exemplar.value, 0.25);
  EXPECT_EQ(table.ReadNewest(1)->at(0).series, 1);
  const std::vector<storage::SeriesId> both = {1, 2};
  EXPECT_EQ(table.ReadSpan(both, now - kOneDay, now, 10)->size(), 2U);
  EXPECT_EQ(table.ReadSpan(both, now - kOneDay, now, 1)->at(0).series, 1);  // the newest
  EXPECT_EQ(table.ReadSpan(both, now - kOneDay, now - 1, 10)->at(0).series, 2);
  EXPECT_TRUE(table.ReadSpan(std::vector<storage::SeriesId>{3}, 0, now, 10)->empty());

  // A killed session is opened anew; days that are over go.
  ASSERT_OK(
      admin->Execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
                     "application_name = 'vigil-exemplars'",
                     10'000));
  clock.Advance(2 * kOneDay);
  const std::vector<storage::ExemplarRow> later = {row(5, clock.Now(), 1, traced)};
  EXPECT_FALSE(table.WriteExemplars(later));
  ASSERT_OK(table.WriteExemplars(later));
  Ownership owner;
  owner.epoch = std::stoll(Ask(admin.get(), "SELECT epoch::text FROM vigil.ingester"));
  const auto dropped = DropExemplarsBefore(admin.get(), owner, clock.Now() - 2 * kOneDay, 10'000);
  ASSERT_OK(dropped);
  EXPECT_EQ(*dropped, 1U);
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.exemplar WHERE series_id = 2"), "0");
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.exemplar"), "2");
  owner.epoch += 1;  // of another server
  EXPECT_FALSE(DropExemplarsBefore(admin.get(), owner, clock.Now(), 10'000).has_value());
}

TEST_F(StoreTest, KeepsMetadata) {
  Open();
  const std::vector<storage::MetricMetadata> rows = {
      {"h", "histogram", "How \"long\" it took, {x}\n", "seconds"}, {"g", "gauge", "", ""}};
  ASSERT_OK(database_->metadata().WriteMetadata(rows));
  const std::vector<storage::MetricMetadata> again = {{"g", "gauge", "Depth", ""}};
  ASSERT_OK(database_->metadata().WriteMetadata(again));
  const auto read = database_->metadata().ReadMetadata();
  ASSERT_OK(read);
  EXPECT_EQ(*read, (std::vector<storage::MetricMetadata>{again[0], rows[0]}));
  auto admin = Connect(conninfo_);
  ASSERT_OK(
      admin->Execute("INSERT INTO vigil.series_data VALUES (1, 'h_bucket', '{le,1}'), "
                     "(2, 'g', '{}'), (3, 'other_total', '{}')",
                     10'000));
  EXPECT_EQ(Ask(admin.get(),
                "SELECT string_agg(concat_ws(' ', name, type, unit), ',' ORDER BY name) "
                "FROM vigil.metrics"),
            "g gauge ,h_bucket histogram seconds,other_total");
  const std::vector<std::string> gone = {"h", "unknown"};
  ASSERT_OK(database_->metadata().RemoveMetadata(gone));
  const auto rest = database_->metadata().ReadMetadata();
  ASSERT_OK(rest);
  EXPECT_EQ(*rest, again);
}

// Text that does not compress: an index entry of it takes its length.
std::string Noise(size_t size) {
  std::string text;
  uint64_t state = size;
  while (text.size() < size) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    text += static_cast<char>('a' + (state >> 40) % 26);
  }
  return text;
}

// Whatever the store lets through, journal and metadata take: one that they refuse would be tried
// for ever, and nothing behind it would become durable.
TEST_F(StoreTest, TakesTheLongestNamesAndManyLongLabels) {
  Open();
  const std::string name = Noise(storage::kMaxMetricNameBytes);
  std::string broken(storage::kMaxMetricNameBytes / 3, '\xff');
  std::vector<storage::SeriesRecord> series = {
      {1, Labels::Of({{"__name__", name}})},
      {2, Labels::Of({{"__name__", broken}})},
      {3, Labels::Of({{"__name__", "long"}, {"l", Noise(storage::kMaxLabelBytes - 20)}})},
      {4, Labels::Of({{"__name__", "long"}, {Noise(100'000), "v"}})}};
  // Together more than one statement takes.
  const std::string value = Noise(500'000);
  for (int64_t id = 5; id < 60; ++id) {
    series.push_back(
        {id, Labels::Of({{"__name__", "many"}, {"id", std::to_string(id)}, {"l", value}})});
  }
  ASSERT_OK(database_->journal().WaitDurable(
      database_->journal().Enqueue(std::move(series), {"page"}), 60'000));
  const std::vector<storage::MetricMetadata> rows = {{name, "gauge", Noise(16'384), ""},
                                                     {broken, "gauge", "", ""}};
  ASSERT_OK(database_->metadata().WriteMetadata(rows));
  auto admin = Connect(conninfo_);
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.series_data"), "59");
  EXPECT_EQ(Ask(admin.get(), "SELECT count(*)::text FROM vigil.metric_metadata"), "2");
}

TEST_F(StoreTest, ClosedDatabaseSaysSo) {
  Open();
  PutAndWait({"p"});
  database_->Close();
  EXPECT_FALSE(database_->journal().HasRoom());
  EXPECT_EQ(database_->journal().WaitDurable(Put({"q"}), 1'000).error().kind,
            ErrorKind::kUnavailable);
  EXPECT_FALSE(database_->chunks().Read(std::vector<storage::SeriesId>{1}, 0, 1));
}

TEST_F(StoreTest, CloseCommitsWhatIsQueued) {
  Open();
  Put({"last words"});
  database_->Close();
  Reopen();
  EXPECT_EQ(ReplayedPages(database_.get()), std::vector<std::string>{"last words"});
}

}  // namespace
}  // namespace vigil::postgres
