// SPDX-License-Identifier: Apache-2.0
#include "server/storage/exemplar_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/head/head.h"
#include "server/storage/store.h"
#include "tests/support/fake_backend.h"

namespace vigil::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Exemplar At(TimestampMs time, double value = 1, std::string_view trace = "t") {
  return {Labels::Of({{"trace_id", trace}}), value, time};
}

std::vector<TimestampMs> TimesOf(const std::vector<Exemplar>& exemplars) {
  std::vector<TimestampMs> times;
  for (const Exemplar& exemplar : exemplars) times.push_back(exemplar.timestamp);
  return times;
}

TEST(ExemplarRing, KeepsTheNewestOfAll) {
  ExemplarRing ring(3);
  for (TimestampMs t = 1; t <= 4; ++t) {
    EXPECT_EQ(ring.Add(t == 2 ? 2 : 1, At(t)), ExemplarVerdict::kAdded);
  }
  EXPECT_THAT(TimesOf(ring.Of(1, 0, 10)), ElementsAre(3, 4));
  EXPECT_THAT(TimesOf(ring.Of(2, 0, 10)), ElementsAre(2));
  EXPECT_EQ(ring.oldest_time(), 2);
  EXPECT_EQ(ring.Add(1, At(5)), ExemplarVerdict::kAdded);
  EXPECT_THAT(ring.Of(2, 0, 10), IsEmpty());
  EXPECT_EQ(ring.series(), 1U);
  EXPECT_THAT(TimesOf(ring.Of(1, 4, 4)), ElementsAre(4));
  EXPECT_EQ(ring.size(), 3U);
}

TEST(ExemplarRing, ASeriesMayTakeItsOwnPlace) {
  ExemplarRing ring(1);
  for (TimestampMs t = 1; t <= 3; ++t) EXPECT_EQ(ring.Add(7, At(t)), ExemplarVerdict::kAdded);
  EXPECT_THAT(TimesOf(ring.Of(7, 0, 10)), ElementsAre(3));
}

TEST(ExemplarRing, JudgesAsUpstream) {
  ExemplarRing ring(10);
  EXPECT_EQ(ring.Add(1, At(5, 2)), ExemplarVerdict::kAdded);
  EXPECT_EQ(ring.Add(1, At(5, 2)), ExemplarVerdict::kDuplicate);
  EXPECT_EQ(ring.Add(1, At(4, 2)), ExemplarVerdict::kOutOfOrder);
  EXPECT_EQ(ring.Add(1, At(5, 1)), ExemplarVerdict::kOutOfOrder);
  EXPECT_EQ(ring.Add(1, At(5, 3)), ExemplarVerdict::kAdded);
  EXPECT_EQ(ring.Add(1, At(6, 1, std::string(120, 'x'))), ExemplarVerdict::kAdded);
  EXPECT_EQ(ring.Add(1, At(7, 1, std::string(121, 'x'))), ExemplarVerdict::kTooLong);
  // Characters, not bytes.
  std::string umlauts;
  for (int i = 0; i < 120; ++i) umlauts += "\xc3\xbc";
  EXPECT_EQ(ring.Add(1, At(8, 1, umlauts)), ExemplarVerdict::kAdded);
  EXPECT_EQ(ExemplarRing(0).Add(1, At(1)), ExemplarVerdict::kOff);
}

TEST(ExemplarRing, ResizingKeepsTheNewest) {
  ExemplarRing ring(4);
  for (TimestampMs t = 1; t <= 6; ++t) ring.Add(1 + static_cast<SeriesRef>(t % 2), At(t));
  ring.Resize(2);
  EXPECT_THAT(TimesOf(ring.Of(1, 0, 10)), ElementsAre(6));
  EXPECT_THAT(TimesOf(ring.Of(2, 0, 10)), ElementsAre(5));
  ring.Resize(10);
  ring.Add(1, At(8));
  EXPECT_THAT(TimesOf(ring.Of(1, 0, 10)), ElementsAre(6, 8));
  ring.Resize(0);
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(ring.oldest_time(), 0);
}

class FakeTable : public ExemplarTable {
 public:
  Result<void> WriteExemplars(std::span<const ExemplarRow> rows) override {
    if (away) return Unavailable("the database is away");
    for (const ExemplarRow& row : rows) written.push_back(row.exemplar.timestamp);
    return Ok();
  }
  Result<std::vector<ExemplarRow>> ReadNewest(size_t count) override {
    asked = count;
    return stored;
  }
  Result<std::vector<ExemplarRow>> ReadSpan(std::span<const SeriesId> series, TimestampMs start,
                                            TimestampMs end, size_t /*most*/) override {
    ++spans;
    if (away) return Unavailable("the database is away");
    std::vector<ExemplarRow> rows;
    for (const ExemplarRow& row : stored) {
      const TimestampMs time = row.exemplar.timestamp;
      if (time < start || time > end) continue;
      if (std::binary_search(series.begin(), series.end(), row.series)) rows.push_back(row);
    }
    return rows;
  }
  bool away = false;
  size_t spans = 0;  // calls of ReadSpan()
  size_t asked = 0;
  std::vector<TimestampMs> written;
  std::vector<ExemplarRow> stored;
};

TEST(ExemplarStore, AnswersBySelectorsAndWritesInBatches) {
  ManualClock clock{1'700'000'000'000};
  vigil::testing::FakeBackend backend;
  head::Head head(clock);
  Store store(head, backend, backend, clock);
  const SeriesRef b = *store.Resolve(Labels::Of({{"__name__", "h"}, {"le", "2"}}));
  const SeriesRef a = *store.Resolve(Labels::Of({{"__name__", "h"}, {"le", "1"}}));
  const SeriesRef other = *store.Resolve(Labels::Of({{"__name__", "x"}}));
  ExemplarBatch batch;
  batch.refs = {b, a, other, a, a};
  batch.exemplars = {At(1), At(2), At(3), At(1), At(4)};
  store.AppendExemplars(batch);
  const auto found = *store.SelectExemplars(
      {{Matcher::Equal("__name__", "h")}, {Matcher::Equal("le", "1")}}, 0, 3);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].series.Get("le"), "1");
  EXPECT_THAT(TimesOf(found[0].exemplars), ElementsAre(2));
  EXPECT_THAT(TimesOf(found[1].exemplars), ElementsAre(1));

  FakeTable table;
  table.away = true;
  EXPECT_FALSE(store.WriteExemplars(table).has_value());
  table.away = false;
  EXPECT_EQ(*store.WriteExemplars(table), 4U);
  EXPECT_EQ(*store.WriteExemplars(table), 0U);
  EXPECT_THAT(table.written, ElementsAre(1, 2, 3, 4));
  const ExemplarStats stats = store.Stats().exemplars;
  EXPECT_EQ(stats.appended, 4U);
  EXPECT_EQ(stats.out_of_order, 1U);
  EXPECT_EQ(stats.in_memory, 4U);
  EXPECT_EQ(stats.series, 3U);
}

// While the database is away the newest wait for it.
TEST(ExemplarStore, TheOldestAreNotWrittenWhenTooManyWait) {
  ManualClock clock{1'700'000'000'000};
  vigil::testing::FakeBackend backend;
  head::Head head(clock);
  ExemplarStore exemplars(head);
  ExemplarBatch batch;
  const SeriesRef ref = head.Insert(1, Labels::Of({{"__name__", "h"}}), INT64_MIN);
  const auto most = static_cast<TimestampMs>(ExemplarStore::kMaxWaiting);
  const auto append = [&](TimestampMs from, TimestampMs to) {
    batch.refs.assign(static_cast<size_t>(to - from), ref);
    batch.exemplars.clear();
    for (TimestampMs t = from; t < to; ++t) batch.exemplars.push_back(At(t));
    exemplars.Append(batch);
  };
  append(0, most + 2);
  std::vector<ExemplarRow> taken = exemplars.TakeNew();
  ASSERT_EQ(taken.size(), ExemplarStore::kMaxWaiting);
  EXPECT_EQ(taken.front().exemplar.timestamp, 2);
  append(most + 2, most + 5);
  exemplars.GiveBack(std::move(taken));
  taken = exemplars.TakeNew();
  ASSERT_EQ(taken.size(), ExemplarStore::kMaxWaiting);
  EXPECT_EQ(taken.front().exemplar.timestamp, 5);
  EXPECT_EQ(taken.back().exemplar.timestamp, most + 4);
  EXPECT_EQ(exemplars.Stats().not_written, 5U);
}

TEST(ExemplarStore, IsFilledFromTheTable) {
  ManualClock clock{1'700'000'000'000};
  head::Head head(clock);
  for (const SeriesId id : {70, 30, 50}) {
    head.Insert(id, Labels::Of({{"__name__", "h"}, {"id", std::to_string(id)}}), INT64_MIN);
  }
  vigil::testing::FakeBackend backend;
  Store store(head, backend, backend, clock);
  store.SetMaxExemplars(7);
  FakeTable table;
  table.stored = {{70, At(1)}, {30, At(2)}, {60, At(3)}, {70, At(4)}};
  ASSERT_TRUE(store.RestoreExemplars(table).has_value());
  EXPECT_EQ(table.asked, 7U);
  const auto found = *store.SelectExemplars({{Matcher::Equal("__name__", "h")}}, 0, 10);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].series.Get("id"), "30");
  EXPECT_THAT(TimesOf(found[1].exemplars), ElementsAre(1, 4));
  EXPECT_EQ(*store.WriteExemplars(table), 0U);
  store.SetMaxExemplars(0);
  table.asked = 99;
  ASSERT_TRUE(store.RestoreExemplars(table).has_value());
  EXPECT_EQ(table.asked, 99U);
}

TEST(ExemplarStore, WhatMemoryLostComesFromTheTable) {
  ManualClock clock{1'700'000'000'000};
  head::Head head(clock);
  for (const SeriesId id : {70, 30}) {
    head.Insert(id, Labels::Of({{"__name__", "h"}, {"id", std::to_string(id)}}), INT64_MIN);
  }
  vigil::testing::FakeBackend backend;
  Store store(head, backend, backend, clock);
  store.SetMaxExemplars(2);
  FakeTable table;
  table.stored = {{70, At(1)}, {30, At(2)}, {70, At(3)}, {70, At(4)}};
  ASSERT_TRUE(store.RestoreExemplars(table).has_value());  // the last two stay
  const std::vector<std::vector<Matcher>> all = {{Matcher::Equal("__name__", "h")}};
  const auto found = *store.SelectExemplars(all, 0, 10);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(TimesOf(found[0].exemplars), ElementsAre(2));
  EXPECT_THAT(TimesOf(found[1].exemplars), ElementsAre(1, 3, 4));
  EXPECT_EQ(table.spans, 1U);
  // What memory holds needs no table.
  EXPECT_THAT(TimesOf((*store.SelectExemplars(all, 3, 10))[0].exemplars), ElementsAre(3, 4));
  EXPECT_EQ(table.spans, 1U);
  table.away = true;
  EXPECT_FALSE(store.SelectExemplars(all, 0, 10).has_value());
}

}  // namespace
}  // namespace vigil::storage
