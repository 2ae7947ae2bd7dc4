// SPDX-License-Identifier: Apache-2.0
#include "exporters/node/stat_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <string>

namespace vigil::node {
namespace {

using State = StatResult::State;
using std::chrono::milliseconds;

// "/hung..." hangs until Release(); "/bad" fails; the rest has as many blocks as its name is long.
class FakeMounts {
 public:
  StatPool::Statfs Statfs() {
    // A stuck worker outlives its pool, and so this object: it shares what it needs.
    return [calls = calls_, released = released_](const char* path, struct statfs* out) {
      ++*calls;
      if (std::strncmp(path, "/hung", 5) == 0) released.wait();
      if (std::strcmp(path, "/bad") == 0) {
        errno = EACCES;
        return -1;
      }
      out->f_blocks = std::strlen(path);
      return 0;
    };
  }
  void Release() { release_.set_value(); }

  [[nodiscard]] int calls() const { return *calls_; }

 private:
  std::shared_ptr<std::atomic<int>> calls_ = std::make_shared<std::atomic<int>>(0);
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
};

TEST(StatPool, AnswersInOrder) {
  FakeMounts mounts;
  StatPool pool(4, mounts.Statfs());
  for (int round = 0; round < 3; ++round) {
    const auto results = pool.Run({"/", "/bad", "/data"}, milliseconds(10000));
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].stats.f_blocks, 1u);
    EXPECT_EQ(results[1].state, State::kFailed);
    EXPECT_EQ(results[1].error_number, EACCES);
    EXPECT_EQ(results[2].stats.f_blocks, 5u);
  }
  EXPECT_EQ(pool.stuck(), 0u);
}

TEST(StatPool, EmptyListIsDoneAtOnce) {
  StatPool pool(1);
  EXPECT_TRUE(pool.Run({}, milliseconds(10000)).empty());
}

TEST(StatPool, AHungMountDoesNotHoldUpTheOthers) {
  FakeMounts mounts;
  StatPool pool(2, mounts.Statfs());
  const auto results = pool.Run({"/hung", "/a", "/hung2", "/b"}, milliseconds(200));
  EXPECT_EQ(results[0].state, State::kTimedOut);
  EXPECT_EQ(results[1].state, State::kDone);
  EXPECT_EQ(results[2].state, State::kTimedOut);
  EXPECT_EQ(pool.stuck(), 2u);

  // Stuck mounts are not asked again: the next list is done without waiting.
  const int calls = mounts.calls();
  const auto again = pool.Run({"/hung", "/hung2", "/b"}, milliseconds(10000));
  EXPECT_EQ(again[0].state, State::kTimedOut);
  EXPECT_EQ(again[2].state, State::kDone);
  EXPECT_EQ(mounts.calls(), calls + 1);

  mounts.Release();
  while (pool.stuck() > 0) std::this_thread::yield();
  EXPECT_EQ(pool.Run({"/hung"}, milliseconds(10000))[0].state, State::kDone);
}

TEST(StatPool, CanBeDestroyedWhileAMountHangs) {
  FakeMounts mounts;
  {
    StatPool pool(1, mounts.Statfs());
    EXPECT_EQ(pool.Run({"/hung"}, milliseconds(1))[0].state, State::kTimedOut);
  }
  mounts.Release();
}

TEST(StatPool, AsksTheKernel) {
  StatPool pool(1);
  const auto results = pool.Run({"/", "/does/not/exist"}, milliseconds(10000));
  EXPECT_EQ(results[0].state, State::kDone);
  EXPECT_GT(results[0].stats.f_bsize, 0);
  EXPECT_EQ(results[1].error_number, ENOENT);
}

}  // namespace
}  // namespace vigil::node
