// SPDX-License-Identifier: Apache-2.0
// A thread with a stack of the usual size that works for one with a small stack. CivetWeb gives its
// workers 100 kB, which a deeply nested query or configuration file overruns.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace vigil::http {

// Threads: Run: owner thread only.
class DeepStack {
 public:
  DeepStack();
  ~DeepStack();
  DeepStack(const DeepStack&) = delete;
  DeepStack& operator=(const DeepStack&) = delete;

  // Calls work() on the other thread and waits for its end. work must not throw.
  void Run(const std::function<void()>& work);

 private:
  void Loop();

  std::mutex mutex_;  // guards the two below; condition variables need the bare mutex
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // null: idle or done
  bool stop_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace vigil::http
