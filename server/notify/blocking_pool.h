// SPDX-License-Identifier: Apache-2.0
// A few threads for what cannot wait on the HTTP client's: mail.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace vigil::notify {

// Threads: any; Stop on the owner's thread.
class BlockingPool {
 public:
  using Job = std::function<void(const std::stop_token&)>;

  // Threads begin with the jobs that need them.
  explicit BlockingPool(size_t max_threads) : max_threads_(max_threads) {}
  ~BlockingPool() { Stop(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // The job runs exactly once, after Stop with a token that is stopped already.
  void Submit(Job job);
  // Tells the jobs to end and waits for all of them.
  void Stop();

 private:
  void Work();

  const size_t max_threads_;
  std::stop_source stop_;
  std::mutex mutex_;  // condition variables need the bare one
  std::condition_variable changed_;
  // Protected by mutex_.
  std::deque<Job> queue_;
  size_t idle_ = 0;
  bool closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace vigil::notify
