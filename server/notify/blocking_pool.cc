// SPDX-License-Identifier: Apache-2.0
#include "server/notify/blocking_pool.h"

#include <utility>

namespace vigil::notify {

void BlockingPool::Submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      queue_.push_back(std::move(job));
      if (queue_.size() > idle_ && threads_.size() < max_threads_) {
        threads_.emplace_back([this] { Work(); });
      }
      changed_.notify_one();
      return;
    }
  }
  job(stop_.get_token());
}

void BlockingPool::Stop() {
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    threads.swap(threads_);
  }
  stop_.request_stop();
  changed_.notify_all();
  for (std::jthread& thread : threads) thread.join();
}

void BlockingPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job(stop_.get_token());
    job = nullptr;  // what it holds is let go without the lock
    lock.lock();
  }
}

}  // namespace vigil::notify
