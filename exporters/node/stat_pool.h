// SPDX-License-Identifier: Apache-2.0
// statfs(2) on many mount points in bounded time: a dead NFS server must not hold up a scrape.
#pragma once

#include <sys/statfs.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vigil::node {

// What became of one call.
struct StatResult {
  enum class State { kDone, kFailed, kTimedOut };
  State state = State::kTimedOut;
  int error_number = 0;  // kFailed
  struct statfs stats {};
};

// Nothing can end a statfs that hangs in the kernel, so its thread is left behind: its mount counts
// as stuck, and is not asked again, until the call returns. In the good case one idle thread does
// the whole list. Up to `workers` threads work on a list when calls are slow.
// Threads: one at a time. The destructor waits for all threads but the stuck ones.
class StatPool {
 public:
  using Statfs = std::function<int(const char* path, struct statfs* out)>;

  // statfs: returns 0 or sets errno; replaceable for tests.
  explicit StatPool(size_t workers, Statfs statfs = ::statfs);
  ~StatPool();
  StatPool(const StatPool&) = delete;
  StatPool& operator=(const StatPool&) = delete;

  // One result per path, in order, after at most timeout.
  std::vector<StatResult> Run(const std::vector<std::string>& paths,
                              std::chrono::milliseconds timeout);
  // Calls that have not returned after their timeout.
  [[nodiscard]] size_t stuck() const;

 private:
  struct Batch;
  struct State;
  static void Work(const std::shared_ptr<State>& state);
  static void StartWorker(const std::shared_ptr<State>& state);

  const size_t workers_;
  std::shared_ptr<State> state_;
};

}  // namespace vigil::node
