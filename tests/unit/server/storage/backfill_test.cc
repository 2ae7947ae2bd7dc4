// SPDX-License-Identifier: Apache-2.0
#include "server/storage/backfill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/head/chunk_row.h"
#include "server/head/head.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"

namespace vigil::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr int64_t kDay = 24 * 3'600'000;

class BackfillTest : public ::testing::Test {
 protected:
  BackfillTest() { Start(); }

  void Start() {
    backfill_.reset();
    store_.reset();
    head_ = std::make_unique<head::Head>(clock_);
    store_ = std::make_unique<Store>(*head_, backend_, backend_, clock_);
    backfill_ = std::make_unique<Backfill>(*store_, *head_, backend_, clock_, head::EncodeChunkRow);
  }
  void Restart() {
    backend_.Crash();
    Start();
    ASSERT_TRUE(store_->Recover(backend_).has_value());
  }
  SeriesRef Series(std::string_view name) {
    return backfill_->Resolve(Labels::Of({{"__name__", name}})).value();
  }
  Result<AppendOutcome> Write(const SampleBatch& batch) {
    return backfill_->Append(batch, AppendMode::kAllOrNothing);
  }
  // Value by value, of all times.
  std::vector<double> Values(std::string_view name) {
    SelectHints hints;
    hints.start = kNow - 400 * kDay;
    hints.end = kNow + 400 * kDay;
    const auto set = store_->Select({Matcher::Equal("__name__", name)}, hints).value();
    SampleColumns out;
    for (size_t i = 0; i < set->size(); ++i) EXPECT_TRUE(set->Read(i, &out).has_value());
    return out.values;
  }

  ManualClock clock_{kNow};
  vigil::testing::FakeBackend backend_;
  std::unique_ptr<head::Head> head_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Backfill> backfill_;
};

TEST_F(BackfillTest, OldSamplesAreThereAtOnceAndAfterARestart) {
  const SeriesRef ref = Series("m");
  SampleBatch batch;
  batch.Add(ref, kNow - 30 * kDay, 1);
  batch.Add(ref, kNow - 2 * kDay, 2);
  batch.Add(ref, kNow, 9);
  batch.Add(ref, kNow - kDay, 3);
  const AppendOutcome outcome = Write(batch).value();
  EXPECT_EQ(outcome.accepted, 4U);
  EXPECT_EQ(outcome.rejected(), 0U);
  ASSERT_TRUE(backfill_->WaitDurable(outcome.position, 1000).has_value());
  EXPECT_THAT(Values("m"), ElementsAre(1, 2, 3, 9));
  Restart();
  EXPECT_THAT(Values("m"), ElementsAre(1, 2, 3, 9));
}

TEST_F(BackfillTest, ASeriesWithoutFreshSamplesIsInTheCatalogue) {
  SampleBatch batch;
  batch.Add(Series("past"), kNow - 90 * kDay, 5);
  ASSERT_TRUE(Write(batch).has_value());
  Restart();
  EXPECT_THAT(Values("past"), ElementsAre(5));
}

TEST_F(BackfillTest, HistoriesComeInAnyOrderAndTwice) {
  const SeriesRef ref = Series("m");
  for (const int64_t day : {3, 1, 2, 1, 3}) {
    SampleBatch batch;
    for (int hour = 0; hour < 24; ++hour) {
      batch.Add(ref, kNow - day * kDay + hour * 3'600'000 - kDay, static_cast<double>(day));
    }
    ASSERT_EQ(Write(batch)->accepted, 24U);
  }
  std::vector<double> expected;
  for (const double day : {3, 2, 1}) expected.insert(expected.end(), 24, day);
  EXPECT_EQ(Values("m"), expected);
  EXPECT_EQ(backfill_->stats().samples.load(), 120U);
  for (const auto& chunk : backend_.chunks()) {
    EXPECT_LE(chunk.row.max_time - chunk.row.min_time, 6 * 3'600'000);
  }
}

TEST_F(BackfillTest, AFutureSampleIsTaken) {
  SampleBatch batch;
  batch.Add(Series("m"), kNow + 40 * kDay, 7);
  EXPECT_EQ(Write(batch)->accepted, 1U);
  EXPECT_THAT(Values("m"), ElementsAre(7));
}

TEST_F(BackfillTest, TwoValuesAtOneTimeRejectTheWholeBatch) {
  const SeriesRef ref = Series("m");
  SampleBatch batch;
  batch.Add(ref, kNow, 1);
  batch.Add(ref, kNow - kDay, 2);
  batch.Add(ref, kNow - kDay, 2);
  batch.Add(ref, kNow - kDay, 3);
  const AppendOutcome outcome = Write(batch).value();
  EXPECT_EQ(outcome.duplicates, 1U);
  EXPECT_EQ(outcome.first_reason, SampleVerdict::kDuplicate);
  EXPECT_EQ(outcome.first_rejected, 3U);
  EXPECT_EQ(outcome.accepted, 0U);
  EXPECT_THAT(Values("m"), IsEmpty());
  EXPECT_EQ(backfill_->Append(batch, AppendMode::kSkipRejected)->accepted, 2U);
  EXPECT_THAT(Values("m"), ElementsAre(2, 1));
}

TEST_F(BackfillTest, AnUnknownSeriesIsToldApart) {
  SampleBatch batch;
  batch.Add(77, kNow - kDay, 1);
  EXPECT_EQ(Write(batch)->unknown_series, 1U);
}

TEST_F(BackfillTest, WithoutADatabaseTheSenderTriesAgain) {
  const SeriesRef ref = Series("m");
  SampleBatch batch;
  batch.Add(ref, kNow - kDay, 1);
  batch.Add(ref, kNow, 2);
  backend_.SetAway(true);
  const auto refused = Write(batch);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("the database is away"));
  backend_.SetAway(false);
  const AppendOutcome outcome = Write(batch).value();
  EXPECT_EQ(outcome.rejected(), 0U);
  ASSERT_TRUE(backfill_->WaitDurable(outcome.position, 1000).has_value());
  EXPECT_THAT(Values("m"), ElementsAre(1, 2));
}

TEST_F(BackfillTest, FlushesGoOnBesideIt) {
  const SeriesRef ref = Series("m");
  for (int round = 0; round < 3; ++round) {
    SampleBatch batch;
    batch.Add(ref, kNow - (10 - round) * kDay, round);
    batch.Add(ref, clock_.Now(), 100 + round);
    ASSERT_EQ(Write(batch)->rejected(), 0U);
    ASSERT_TRUE(store_->Flush().has_value());
    clock_.Advance(60'000);
  }
  EXPECT_THAT(Values("m"), ElementsAre(0, 1, 2, 100, 101, 102));
  Restart();
  EXPECT_THAT(Values("m"), ElementsAre(0, 1, 2, 100, 101, 102));
}

}  // namespace
}  // namespace vigil::storage
