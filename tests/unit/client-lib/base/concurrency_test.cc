// SPDX-License-Identifier: Apache-2.0
// Clocks, the bounded queue and guarded values.
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "client-lib/base/bounded_queue.h"
#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"

namespace vigil {
namespace {

using std::chrono_literals::operator""ms;

TEST(Clock, ManualClockMovesOnlyWhenTold) {
  ManualClock clock(1000);
  EXPECT_EQ(clock.Now(), 1000);
  clock.Advance(5);
  EXPECT_EQ(clock.Now(), 1005);
  EXPECT_EQ(clock.MonotonicNs(), 5'000'000);
  clock.JumpTo(0);
  EXPECT_EQ(clock.Now(), 0);
  EXPECT_EQ(clock.MonotonicNs(), 5'000'000);
}

TEST(Clock, SystemClockIsInThisCentury) {
  EXPECT_GT(Clock::System().Now(), 1'600'000'000'000);
  const int64_t before = Clock::System().MonotonicNs();
  EXPECT_LE(before, Clock::System().MonotonicNs());
}

TEST(BoundedQueue, KeepsOrderAndLimit) {
  BoundedQueue<int> queue(2);
  int one = 1;
  int two = 2;
  int three = 3;
  EXPECT_TRUE(queue.TryPush(one));
  EXPECT_TRUE(queue.TryPush(two));
  EXPECT_FALSE(queue.TryPush(three));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.PopFor(0ms), 1);
  EXPECT_EQ(queue.PopFor(0ms), 2);
  EXPECT_EQ(queue.PopFor(0ms), std::nullopt);
}

TEST(BoundedQueue, CloseDrainsAndRefuses) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  EXPECT_TRUE(queue.Push(std::make_unique<int>(1)));
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.Push(std::make_unique<int>(2)));
  EXPECT_EQ(**queue.PopFor(0ms), 1);
  EXPECT_EQ(queue.PopFor(10'000ms), std::nullopt) << "a closed queue does not wait";
}

TEST(BoundedQueue, MovesEverythingBetweenThreads) {
  BoundedQueue<int> queue(4);
  std::jthread producer([&] {
    for (int i = 0; i < 1000; ++i) queue.Push(i);
    queue.Close();
  });
  int expected = 0;
  while (const auto value = queue.PopFor(10'000ms)) EXPECT_EQ(*value, expected++);
  EXPECT_EQ(expected, 1000);
}

TEST(Guarded, ManyThreadsCountRight) {
  Guarded<int> counter(0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) counter.With([](int& value) { ++value; });
      });
    }
  }
  EXPECT_EQ(counter.Copy(), 4000);
  counter.Set(7);
  EXPECT_EQ(std::as_const(counter).With([](const int& value) { return value; }), 7);
}

}  // namespace
}  // namespace vigil
