// SPDX-License-Identifier: Apache-2.0
#include "server/notify/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace vigil::notify {
namespace {

TEST(BlockingPool, RunsJobsSideBySide) {
  BlockingPool pool(2);
  std::latch both(2);
  std::latch done(3);
  // Each waits for the other: one thread alone would wait forever.
  for (int i = 0; i < 2; ++i) {
    pool.Submit([&](const std::stop_token&) {
      both.arrive_and_wait();
      done.count_down();
    });
  }
  pool.Submit([&](const std::stop_token&) { done.count_down(); });
  done.wait();
}

TEST(BlockingPool, EndsWhatRunsAndWhatWaits) {
  BlockingPool pool(1);
  std::latch begun(1);
  std::atomic<int> stopped{0};
  pool.Submit([&](const std::stop_token& stop) {
    std::latch told(1);
    const std::stop_callback wake(stop, [&] { told.count_down(); });
    begun.count_down();
    told.wait();
    ++stopped;
  });
  begun.wait();
  for (int i = 0; i < 3; ++i) {
    pool.Submit([&](const std::stop_token& stop) { stopped += stop.stop_requested() ? 1 : 0; });
  }
  pool.Stop();
  EXPECT_EQ(stopped, 4);
  pool.Submit([&](const std::stop_token& stop) { stopped += stop.stop_requested() ? 1 : 0; });
  EXPECT_EQ(stopped, 5);
  pool.Stop();
}

}  // namespace
}  // namespace vigil::notify
