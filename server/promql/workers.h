// SPDX-License-Identifier: Apache-2.0
// Threads that help queries, and work in parts whose results are taken in order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "client-lib/base/mutex.h"
#include "client-lib/base/result.h"

namespace vigil::promql {

// Threads: any. Queries that find all helpers busy work alone: so many queries at once keep the
// machine as busy as one, and wait for nobody.
class Workers {
 public:
  // 0: nobody helps.
  explicit Workers(size_t threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Starts `task` on an idle helper; false when there is none. The task must end by itself.
  bool Start(std::function<void()> task);
  [[nodiscard]] size_t size() const { return threads_.size(); }

 private:
  void Work();

  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// Work in parts, done in any order by the caller and its helpers, taken in order by the caller.
struct OrderedParts {
  size_t count = 0;
  // How many parts may be done or in work beyond the one that is taken next: part i may use again
  // what part i - ahead has used.
  size_t ahead = 1;
  // Any thread, several at once for different parts.
  std::function<void(size_t part)> produce;
  // The caller's thread. After an error nothing is taken any more.
  std::function<Result<void>(size_t part)> take;
  // Gets the CPU time of the helpers; null: nobody asks.
  std::atomic<int64_t>* helper_cpu_ns = nullptr;
};

// Returns when nobody works on any part any more.
Result<void> RunInOrder(Workers& workers, const OrderedParts& parts);

}  // namespace vigil::promql
