// SPDX-License-Identifier: Apache-2.0
#include "server/promql/workers.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "client-lib/base/clock.h"

namespace vigil::promql {
namespace {

// What caller and helpers of one RunInOrder() share.
class Progress {
 public:
  explicit Progress(const OrderedParts& parts) : parts_(parts), done_(parts.count, 0) {}

  // What a helper does.
  void Help() NO_THREAD_SAFETY_ANALYSIS {
    const int64_t began_ns = parts_.helper_cpu_ns == nullptr ? 0 : ThreadCpuNs();
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || next_ >= parts_.count || MayClaim(); });
      if (stop_ || next_ >= parts_.count) break;
      ProduceNext(&lock);
    }
    if (parts_.helper_cpu_ns != nullptr) *parts_.helper_cpu_ns += ThreadCpuNs() - began_ns;
    --helpers_;
    changed_.notify_all();
  }

  void AddHelper() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++helpers_;
  }
  // The helper could not be started.
  void RemoveHelper() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --helpers_;
  }

  Result<void> TakeAll() {
    std::unique_lock<std::mutex> lock(mutex_);
    Result<void> result = Ok();
    for (size_t part = 0; part < parts_.count && result; ++part) {
      // Rather than wait, the caller works itself.
      while (done_[part] == 0) {
        if (MayClaim()) {
          ProduceNext(&lock);
        } else {
          changed_.wait(lock);
        }
      }
      lock.unlock();
      result = parts_.take(part);
      lock.lock();
      taken_ = part + 1;
      changed_.notify_all();
    }
    stop_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return helpers_ == 0; });
    return result;
  }

 private:
  [[nodiscard]] bool MayClaim() const {
    return next_ < parts_.count && next_ < taken_ + parts_.ahead;
  }
  void ProduceNext(std::unique_lock<std::mutex>* lock) {
    const size_t part = next_++;
    lock->unlock();
    parts_.produce(part);
    lock->lock();
    done_[part] = 1;
    changed_.notify_all();
  }

  const OrderedParts& parts_;
  // A plain mutex: waiting on conditions with a lock that is let go in between is beyond the
  // analysis. Guards everything below.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint8_t> done_;
  size_t next_ = 0;   // the first part nobody has begun
  size_t taken_ = 0;  // parts before it have been taken
  size_t helpers_ = 0;
  bool stop_ = false;
};

}  // namespace

Workers::Workers(size_t threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

Workers::~Workers() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Workers::Start(std::function<void()> task) {
  {
    const MutexLock lock(mutex_);
    if (tasks_.size() >= idle_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void Workers::Work() NO_THREAD_SAFETY_ANALYSIS {
  std::unique_lock<std::mutex> lock(mutex_.native());
  for (;;) {
    ++idle_;
    while (!stop_ && tasks_.empty()) changed_.wait(lock);
    --idle_;
    if (tasks_.empty()) return;
    const std::function<void()> task = std::move(tasks_.back());
    tasks_.pop_back();
    lock.unlock();
    task();
    lock.lock();
  }
}

Result<void> RunInOrder(Workers& workers, const OrderedParts& parts) {
  // Helpers leave before this function does: they may look at what is on its stack.
  Progress progress(parts);
  for (size_t i = 0; i < workers.size() && i + 1 < parts.count; ++i) {
    progress.AddHelper();
    if (workers.Start([&progress] { progress.Help(); })) continue;
    progress.RemoveHelper();
    break;
  }
  return progress.TakeAll();
}

}  // namespace vigil::promql
