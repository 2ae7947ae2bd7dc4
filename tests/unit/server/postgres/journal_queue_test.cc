// SPDX-License-Identifier: Apache-2.0
// The journal's memory.
#include "server/postgres/journal_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace vigil::postgres {
namespace {

std::vector<std::string> Pages(size_t count) { return std::vector<std::string>(count, "page"); }

class JournalQueueTest : public testing::Test {
 protected:
  ManualClock clock_;
  JournalQueue queue_{100, 1000, 3000, clock_};
};

TEST_F(JournalQueueTest, PositionsCountPages) {
  EXPECT_EQ(queue_.Enqueue({}, Pages(2)), 102U);
  EXPECT_EQ(queue_.Enqueue({}, Pages(1)), 103U);
  EXPECT_EQ(queue_.Enqueue({{1, Labels()}}, {}), 103U);
  EXPECT_EQ(queue_.Cut(), 103U);
}

TEST_F(JournalQueueTest, TakesWholeEntriesInOrder) {
  queue_.Enqueue({}, Pages(2));
  queue_.Cut();
  queue_.Enqueue({}, Pages(1));
  auto first = queue_.Take(4);
  ASSERT_EQ(first.size(), 1U);  // at least one, however big
  EXPECT_EQ(first[0].first, 101U);
  EXPECT_EQ(first[0].last(), 102U);
  EXPECT_EQ(first[0].cuts, 0U);
  auto second = queue_.Take(100);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].first, 103U);
  EXPECT_EQ(second[0].cuts, 1U);
}

TEST_F(JournalQueueTest, BytesBeingWrittenStillCountAgainstTheRoom) {
  while (queue_.HasRoom()) queue_.Enqueue({}, Pages(10));
  const auto batch = queue_.Take(1 << 20);
  EXPECT_FALSE(queue_.HasRoom());
  uint64_t bytes = 0;
  for (const JournalEntry& entry : batch) bytes += entry.bytes;
  queue_.Committed(batch.back().last(), bytes, 0);
  EXPECT_TRUE(queue_.HasRoom());
  EXPECT_EQ(queue_.figures().pages, 0U);
}

TEST_F(JournalQueueTest, ScrapesAreSpooledWhenSendersAreTurnedAway) {
  while (queue_.HasRoom()) queue_.Enqueue({}, Pages(10));
  EXPECT_GE(queue_.figures().bytes, 1000U);
  EXPECT_TRUE(queue_.HasRoom(storage::Writer::kLosesSamples));
  while (queue_.HasRoom(storage::Writer::kLosesSamples)) queue_.Enqueue({}, Pages(10));
  EXPECT_GE(queue_.figures().bytes, 3000U);
  EXPECT_LT(queue_.figures().bytes, 3100U);
}

TEST_F(JournalQueueTest, WaitReturnsWhenDurable) {
  const auto position = queue_.Enqueue({}, Pages(1));
  EXPECT_TRUE(queue_.WaitDurable(100, 0));
  EXPECT_EQ(queue_.WaitDurable(position, 1).error().kind, ErrorKind::kTimeout);
  std::jthread writer([&] {
    auto batch = queue_.Take(100);
    queue_.Committed(batch[0].last(), batch[0].bytes, 0);
  });
  EXPECT_TRUE(queue_.WaitDurable(position, 10'000));
}

TEST_F(JournalQueueTest, WaitNamesTheDatabasesError) {
  const auto position = queue_.Enqueue({}, Pages(1));
  queue_.NoteError("disk full");
  const auto waited = queue_.WaitDurable(position, 1);
  EXPECT_EQ(waited.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(waited.error().message.find("disk full"), std::string::npos);
}

TEST_F(JournalQueueTest, FailureWakesWaitersAndRefusesMore) {
  const auto position = queue_.Enqueue({}, Pages(1));
  std::jthread failer([&] { queue_.Fail(Unavailable("taken over")); });
  EXPECT_EQ(queue_.WaitDurable(position, 10'000).error().message, "taken over");
  failer.join();
  EXPECT_FALSE(queue_.HasRoom());
  EXPECT_FALSE(queue_.NextSeriesId(0));
}

TEST_F(JournalQueueTest, SeriesIdsComeFromBlocksInTurn) {
  EXPECT_TRUE(queue_.WantsSeriesIds());
  EXPECT_EQ(queue_.NextSeriesId(1).error().kind, ErrorKind::kUnavailable);
  queue_.AddSeriesIds(1, 2);
  EXPECT_EQ(*queue_.NextSeriesId(0), 1);
  EXPECT_TRUE(queue_.WantsSeriesIds());  // the spare block is in use: fetch the next
  queue_.AddSeriesIds(100, 2);
  EXPECT_EQ(*queue_.NextSeriesId(0), 2);
  EXPECT_EQ(*queue_.NextSeriesId(0), 100);
}

TEST_F(JournalQueueTest, WriterWaitsForTheIntervalUnlessMuchIsQueued) {
  queue_.AddSeriesIds(1, 100);
  const int64_t now = clock_.MonotonicNs();
  queue_.Enqueue({}, Pages(1));
  queue_.Wait(now, now, now + 1'000'000'000, 1000, false);  // due: returns at once
  queue_.Enqueue({}, Pages(250));
  queue_.Wait(now, now + 1'000'000'000, now + 2'000'000'000, 1000, false);  // full: returns at once
}

TEST_F(JournalQueueTest, SomebodyWhoWaitsHurriesTheWriter) {
  queue_.AddSeriesIds(1, 100);
  const int64_t now = clock_.MonotonicNs();
  const int64_t never = now + 3'600'000'000'000;
  const storage::JournalPosition last = queue_.Enqueue({}, Pages(1));
  std::thread sender([&] { EXPECT_TRUE(queue_.WaitDurable(last, 60'000).has_value()); });
  // Hurried is now, unhurried never: without the waiter this would not return.
  queue_.Wait(now, never, never, 1'000'000, false);
  EXPECT_TRUE(queue_.HasWaiters());
  queue_.Committed(last, 0, 0);
  sender.join();
  EXPECT_FALSE(queue_.HasWaiters());
}

}  // namespace
}  // namespace vigil::postgres
