// SPDX-License-Identifier: Apache-2.0
#include "server/storage/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/head/head.h"
#include "tests/support/fake_backend.h"

namespace vigil::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TimestampMs kStoreNow = 1'700'000'000'000;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { Start(); }

  void Start() {
    store_.reset();
    head_ = std::make_unique<head::Head>(clock_);
    store_ = std::make_unique<Store>(*head_, backend_, backend_, clock_, options_);
  }
  void Restart() {
    backend_.Crash();
    Start();
    ASSERT_TRUE(store_->Recover(backend_).has_value());
  }

  SeriesRef Series(std::string_view name, std::string_view job = "j") {
    return store_->Resolve(Labels::Of({{"__name__", name}, {"job", job}})).value();
  }
  AppendOutcome Append(SeriesRef ref, TimestampMs timestamp, double value) {
    SampleBatch batch;
    batch.Add(ref, timestamp, value);
    return store_->Append(batch, AppendMode::kSkipRejected).value();
  }
  std::unique_ptr<SeriesSet> Select(std::string_view name,
                                    TimestampMs start = kStoreNow - 3'600'000,
                                    TimestampMs end = kStoreNow + 3'600'000) {
    SelectHints hints;
    hints.start = start;
    hints.end = end;
    return store_->Select({Matcher::Equal("__name__", name)}, hints).value();
  }
  std::vector<double> Values(std::string_view name, TimestampMs start = kStoreNow - 3'600'000,
                             TimestampMs end = kStoreNow + 3'600'000) {
    const auto set = Select(name, start, end);
    SampleColumns out;
    for (size_t i = 0; i < set->size(); ++i) EXPECT_TRUE(set->Read(i, &out).has_value());
    EXPECT_THAT(set->warnings(), IsEmpty());
    return out.values;
  }

  ManualClock clock_{kStoreNow};
  vigil::testing::FakeBackend backend_;
  StoreOptions options_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, ReadersSeeWhatWasAppended) {
  const SeriesRef b = Series("up", "b");
  const SeriesRef a = Series("up", "a");
  EXPECT_EQ(Series("up", "b"), b);
  Append(b, kStoreNow, 2);
  Append(a, kStoreNow, 1);
  Append(a, kStoreNow + 1, 3);
  EXPECT_THAT(Values("up"), ElementsAre(1, 3, 2));
  EXPECT_EQ(Select("up")->labels(0).Get("job"), "a");
  EXPECT_THAT(Values("up", kStoreNow + 1, kStoreNow + 1), ElementsAre(3));
  EXPECT_EQ(Select("up", kStoreNow + 2, kStoreNow + 3)->size(), 0U);
  EXPECT_EQ(Select("up", kStoreNow + 3, kStoreNow)->size(), 0U);
  EXPECT_EQ(backend_.reads(), 0U);
}

TEST_F(StoreTest, FreshQueriesNeedNoDatabaseAfterAFlush) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  ASSERT_TRUE(store_->Flush().has_value());
  Append(a, kStoreNow + 1, 2);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
  EXPECT_EQ(backend_.reads(), 0U);
  ASSERT_TRUE(store_->Flush().has_value());
  Append(a, kStoreNow + 2, 3);
  // The first sample is only in the database now.
  EXPECT_THAT(Values("a", kStoreNow + 1), ElementsAre(2, 3));
  EXPECT_EQ(backend_.reads(), 0U);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2, 3));
  EXPECT_EQ(backend_.reads(), 1U);
}

TEST_F(StoreTest, FlushReportsAndCounts) {
  for (int i = 0; i < 100; ++i) Append(Series("a"), kStoreNow + i, i);
  Append(Series("b"), kStoreNow, 1);
  const Result<FlushReport> report = store_->Flush();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->chunks, 2U);
  EXPECT_EQ(report->samples, 101U);
  const StoreStats stats = store_->Stats();
  EXPECT_EQ(stats.flushes, 1U);
  EXPECT_EQ(stats.flushed_bytes, report->bytes);
  EXPECT_EQ(stats.samples_appended, 101U);
  EXPECT_EQ(stats.recent.series, 2U);
  EXPECT_EQ(stats.recent.open_samples, 0U);
  EXPECT_EQ(stats.last_flush_time, kStoreNow);
  EXPECT_EQ(stats.journal_pages, 101U);
}

TEST_F(StoreTest, ChunksComeByMetricAndSeries) {
  const SeriesRef refs[] = {Series("b", "x"), Series("a", "y"), Series("b", "w"), Series("a", "x")};
  for (const SeriesRef ref : refs) Append(ref, kStoreNow, 1);
  ASSERT_TRUE(store_->Flush().has_value());
  std::vector<SeriesId> ids;
  for (const auto& chunk : backend_.chunks()) ids.push_back(chunk.row.series);
  EXPECT_THAT(ids, ElementsAre(2, 4, 1, 3));
}

TEST_F(StoreTest, SamplesSurviveACrash) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  ASSERT_TRUE(store_->Flush().has_value());
  Append(a, kStoreNow + 1, 2);
  const AppendOutcome last = Append(a, kStoreNow + 2, 3);
  ASSERT_TRUE(store_->WaitDurable(last.position, 1000).has_value());
  backend_.SetLazy(true);
  Append(a, kStoreNow + 3, 4);  // never acknowledged
  Restart();
  EXPECT_THAT(Values("a"), ElementsAre(1, 2, 3));
  EXPECT_EQ(store_->Stats().replayed_samples, 2U);
  Append(Series("a"), kStoreNow + 4, 5);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2, 3, 5));
}

TEST_F(StoreTest, LateSamplesAfterARestartAreMerged) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  Append(a, kStoreNow + 10, 3);
  ASSERT_TRUE(store_->Flush().has_value());
  Restart();
  // Nothing in the journal: the head does not know how far the series is.
  Append(Series("a"), kStoreNow + 5, 2);
  Append(Series("a"), kStoreNow + 10, 3);
  Append(Series("a"), kStoreNow + 20, 4);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2, 3, 4));
}

TEST_F(StoreTest, ABrokenPageIsCountedAndSkipped) {
  const SeriesRef a = Series("a");
  for (int i = 0; i < 3; ++i) Append(a, kStoreNow + i, i);
  ASSERT_TRUE(backend_.BreakPage(1));
  Restart();
  EXPECT_THAT(Values("a"), ElementsAre(0, 2));
  EXPECT_EQ(store_->Stats().corrupt_pages, 1U);
}

TEST_F(StoreTest, ABrokenChunkIsSkippedWithAWarning) {
  const SeriesRef a = Series("a");
  for (int i = 0; i < 3; ++i) {
    Append(a, kStoreNow + i, i);
    ASSERT_TRUE(store_->Flush().has_value());
  }
  backend_.BreakChunk(1);
  Restart();
  const auto set = Select("a");
  ASSERT_EQ(set->size(), 1U);
  SampleColumns out;
  ASSERT_TRUE(set->Read(0, &out).has_value());
  EXPECT_THAT(out.values, ElementsAre(0, 2));
  ASSERT_EQ(set->warnings().size(), 1U);
  EXPECT_THAT(set->warnings()[0], HasSubstr("a{job=\"j\"} are missing: chunk is broken"));
  EXPECT_EQ(store_->Stats().corrupt_chunks, 1U);
}

TEST_F(StoreTest, AFailedFlushLosesNothingAndTheNextTakesAll) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  Append(Series("b"), kStoreNow, 7);
  backend_.FailFlushAfter(1);
  EXPECT_EQ(store_->Flush().error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(backend_.chunks().empty());
  Append(a, kStoreNow + 1, 2);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
  const Result<FlushReport> report = store_->Flush();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->samples, 3U);
  EXPECT_EQ(store_->Stats().flushes_failed, 1U);
  EXPECT_EQ(backend_.replayable_pages(), 0U);
  Restart();
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
}

TEST_F(StoreTest, AFlushWhoseAnswerWasLostIsNotWrittenTwice) {
  Append(Series("a"), kStoreNow, 1);
  backend_.LoseFlushAnswer();
  EXPECT_FALSE(store_->Flush().has_value());
  Append(Series("a"), kStoreNow + 1, 2);
  ASSERT_TRUE(store_->Flush().has_value());
  EXPECT_EQ(backend_.chunks().size(), 2U);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
}

TEST_F(StoreTest, RunsOnWhileTheDatabaseIsAway) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  ASSERT_TRUE(store_->Flush().has_value());
  backend_.SetAway(true);
  const AppendOutcome outcome = Append(a, kStoreNow + 1, 2);
  EXPECT_EQ(store_->WaitDurable(outcome.position, 10).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(store_->Flush().error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(store_->Flush().error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
  EXPECT_EQ(store_->Resolve(Labels::Of({{"__name__", "new"}})).error().kind,
            ErrorKind::kUnavailable);
  backend_.SetAway(false);
  ASSERT_TRUE(store_->WaitDurable(outcome.position, 10).has_value());
  ASSERT_TRUE(store_->Flush().has_value());
  ASSERT_TRUE(store_->Flush().has_value());
  EXPECT_THAT(Values("a"), ElementsAre(1, 2));
}

TEST_F(StoreTest, OldQueriesFailClearlyWhileTheDatabaseIsAway) {
  const SeriesRef a = Series("a");
  for (int i = 0; i < 3; ++i) {
    Append(a, kStoreNow + i, i);
    ASSERT_TRUE(store_->Flush().has_value());
  }
  backend_.SetAway(true);
  SelectHints hints;
  hints.start = kStoreNow;
  hints.end = kStoreNow + 10;
  const auto set = store_->Select({Matcher::Equal("__name__", "a")}, hints);
  ASSERT_FALSE(set.has_value());
  EXPECT_THAT(set.error().message, HasSubstr("reading chunks: the database is away"));
  EXPECT_THAT(Values("a", kStoreNow + 2), ElementsAre(2));
}

TEST_F(StoreTest, RefusesBatchesWhenTheJournalHasNoRoom) {
  const SeriesRef a = Series("a");
  backend_.SetRoom(false);
  SampleBatch batch;
  batch.Add(a, kStoreNow, 1);
  const auto outcome = store_->Append(batch, AppendMode::kSkipRejected);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(store_->Stats().scrapes_refused, 1U);
  EXPECT_THAT(Values("a"), IsEmpty());
}

TEST_F(StoreTest, SpoolsScrapesWhenSendersAreTurnedAway) {
  const SeriesRef a = Series("a");
  backend_.SetRoom(false, true);
  SampleBatch batch;
  batch.Add(a, kStoreNow, 1);
  for (const AppendMode mode : {AppendMode::kAllOrNothing, AppendMode::kSenderKeeps}) {
    EXPECT_EQ(store_->Append(batch, mode).error().kind, ErrorKind::kUnavailable);
  }
  EXPECT_EQ(store_->Stats().senders_refused, 2U);
  EXPECT_TRUE(store_->Append(batch, AppendMode::kSkipRejected).has_value());
  EXPECT_THAT(Values("a"), ElementsAre(1));
}

TEST_F(StoreTest, IdleSeriesDoNotCountAgainstTheLimits) {
  options_.max_series = 3;
  Start();
  JobLimits limits;
  limits.others = 2;
  store_->SetJobLimits(limits);
  const auto create = [&](std::string_view name) {
    return store_->Resolve(Labels::Of({{"__name__", name}, {"job", "j"}}));
  };
  Append(*create("a"), kStoreNow, 1);
  Append(*create("b"), kStoreNow, 1);
  EXPECT_FALSE(create("c").has_value());
  ASSERT_TRUE(store_->Flush().has_value());
  EXPECT_FALSE(create("c").has_value());  // memory still has their samples
  Append(*create("b"), kStoreNow + 1, 2);
  ASSERT_TRUE(store_->Flush().has_value());
  EXPECT_EQ(store_->Stats().recent.idle_series, 1U);
  Append(*create("c"), kStoreNow + 1, 1);
  EXPECT_FALSE(create("d").has_value());
  ASSERT_TRUE(store_->Flush().has_value());
  ASSERT_TRUE(store_->Flush().has_value());
  EXPECT_EQ(store_->Stats().recent.idle_series, 3U);
  EXPECT_TRUE(create("d").has_value());
  // After a restart those that the journal has no samples of are idle.
  Append(*create("a"), kStoreNow + 2, 1);
  Restart();
  store_->SetJobLimits(limits);
  EXPECT_EQ(store_->Stats().recent.idle_series, 3U);
  EXPECT_TRUE(create("e").has_value());
  EXPECT_FALSE(create("f").has_value());
}

TEST_F(StoreTest, LimitsTheSeriesOfAJob) {
  JobLimits limits;
  limits.by_job["small"] = 1;
  limits.by_job["free"] = 0;
  limits.others = 2;
  store_->SetJobLimits(limits);
  const auto create = [&](std::string_view name, std::string_view job) {
    return store_->Resolve(Labels::Of({{"__name__", name}, {"job", job}}));
  };
  EXPECT_TRUE(create("a", "small").has_value());
  const auto refused = create("b", "small");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kBadData);
  EXPECT_EQ(refused.error().message,
            "the limit of 1 series (series_limit) of the job \"small\" is reached: "
            "b{job=\"small\"} was not created");
  EXPECT_TRUE(create("a", "small").has_value());
  EXPECT_TRUE(create("a", "other").has_value());
  EXPECT_TRUE(create("b", "other").has_value());
  EXPECT_FALSE(create("c", "other").has_value());
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(create(name, "free").has_value());
  EXPECT_TRUE(create("a", "").has_value());
  EXPECT_EQ(store_->Stats().refused_job_limit, 2U);
  store_->SetJobLimits({});
  EXPECT_TRUE(create("c", "other").has_value());
}

TEST_F(StoreTest, RefusesWhatTheDatabaseCannotIndex) {
  const auto error = [&](const std::string& name, const std::string& value = "v") {
    const auto ref = store_->Resolve(Labels::Of({{"__name__", name}, {"l", value}}));
    if (ref) return std::string("no error");
    EXPECT_EQ(ref.error().kind, ErrorKind::kBadData);
    return ref.error().message;
  };
  EXPECT_EQ(error(std::string(2'000, 'm')), "no error");
  EXPECT_EQ(error(std::string(2'001, 'm')),
            "the name of a metric has 2001 bytes, at most 2000 of UTF-8 are possible: \"" +
                std::string(100, 'm') + "\"... was not created");
  // What is no UTF-8 takes three times as much in the database.
  EXPECT_EQ(error(std::string(666, '\xff')), "no error");
  EXPECT_NE(error(std::string(667, '\xff')), "no error");
  EXPECT_EQ(error("long_value", std::string(100'000, 'v')), "no error");
  EXPECT_EQ(error("longer_value", std::string(1 << 20, 'v')),
            "the labels of a series have 1048597 bytes, at most 1048576 are possible: a series of "
            "\"longer_value\" was not created");
  EXPECT_EQ(store_->Stats().refused_too_long, 3U);
}

TEST_F(StoreTest, SelectsNoMoreSeriesThanTheReaderHasRoomFor) {
  for (int i = 0; i < 10; ++i) Append(Series("up", std::to_string(i)), kStoreNow, 1);
  SelectHints hints;
  hints.start = kStoreNow - 1;
  hints.end = kStoreNow;
  hints.max_bytes = 10 * SelectHints::kSeriesBytes;
  EXPECT_TRUE(store_->Select({Matcher::Equal("__name__", "up")}, hints));
  hints.max_bytes -= 1;
  const auto refused = store_->Select({Matcher::Equal("__name__", "up")}, hints);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kExecution);
}

TEST_F(StoreTest, ARepeatedBatchWaitsForTheFirstOne) {
  backend_.SetLazy(true);
  const SeriesRef a = Series("a");
  const AppendOutcome first = Append(a, kStoreNow, 1);
  const AppendOutcome again = Append(a, kStoreNow, 1);
  EXPECT_EQ(again.duplicates_same, 1U);
  EXPECT_GE(again.position, first.position);
}

TEST_F(StoreTest, LimitsTheNumberOfSeries) {
  options_.max_series = 2;
  Start();
  Series("a");
  Series("b");
  const auto third = store_->Resolve(Labels::Of({{"__name__", "c"}}));
  ASSERT_FALSE(third.has_value());
  EXPECT_THAT(third.error().message,
              HasSubstr("the limit of 2 series (--storage.max-series) is reached: c"));
  Series("a");
  EXPECT_EQ(store_->Resolve(Labels()).error().kind, ErrorKind::kBadData);
}

TEST_F(StoreTest, CountsRejectedSamplesByReason) {
  const SeriesRef a = Series("a");
  Append(a, kStoreNow, 1);
  Append(a, kStoreNow, 1);
  Append(a, kStoreNow, 2);
  Append(a, kStoreNow - 1, 2);
  Append(a, kStoreNow + 3'600'000, 2);
  Append(77, kStoreNow, 2);
  const StoreStats stats = store_->Stats();
  EXPECT_EQ(stats.samples_appended, 1U);
  EXPECT_EQ(stats.duplicates_same, 1U);
  EXPECT_EQ(stats.duplicates, 1U);
  EXPECT_EQ(stats.out_of_order, 1U);
  EXPECT_EQ(stats.out_of_bounds, 1U);
  EXPECT_EQ(stats.unknown_series, 1U);
}

TEST_F(StoreTest, AnswersLabelNamesAndValues) {
  Append(Series("up", "a"), kStoreNow, 1);
  Append(Series("up", "b"), kStoreNow, 1);
  Append(Series("other", "c"), kStoreNow, 1);
  const auto values = [&](std::vector<Matcher> matchers, TimestampMs start) {
    return store_->LabelValues("job", matchers, start, kStoreNow + 10).value();
  };
  EXPECT_THAT(values({}, kStoreNow), ElementsAre("a", "b", "c"));
  EXPECT_THAT(values({Matcher::Equal("__name__", "up")}, kStoreNow), ElementsAre("a", "b"));
  EXPECT_THAT(values({Matcher::Equal("__name__", "up")}, kStoreNow + 5), IsEmpty());
  EXPECT_THAT(store_->LabelNames({}, kStoreNow, kStoreNow).value(), ElementsAre("__name__", "job"));
  EXPECT_THAT(store_->LabelNames({Matcher::Equal("job", "c")}, kStoreNow, kStoreNow).value(),
              ElementsAre("__name__", "job"));
  EXPECT_THAT(store_->LabelNames({Matcher::Equal("job", "x")}, kStoreNow, kStoreNow).value(),
              IsEmpty());
}

TEST_F(StoreTest, SeriesOnlyReadsNoSamples) {
  Append(Series("a"), kStoreNow, 1);
  Restart();
  SelectHints hints;
  hints.start = kStoreNow;
  hints.end = kStoreNow;
  hints.series_only = true;
  const auto set = store_->Select({Matcher::Equal("__name__", "a")}, hints).value();
  ASSERT_EQ(set->size(), 1U);
  EXPECT_EQ(backend_.reads(), 0U);
}

}  // namespace
}  // namespace vigil::storage
