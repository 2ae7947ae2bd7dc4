// SPDX-License-Identifier: Apache-2.0
// A mutex that clang's thread-safety analysis understands, and Guarded<T>, the usual way to share
// state: the only road to the value is through the lock.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#if defined(__clang__)
#define VIGIL_TSA(x) __attribute__((x))
#else
#define VIGIL_TSA(x)
#endif
#define CAPABILITY(x) VIGIL_TSA(capability(x))
#define SCOPED_CAPABILITY VIGIL_TSA(scoped_lockable)
#define GUARDED_BY(x) VIGIL_TSA(guarded_by(x))
#define REQUIRES_LOCK(...) VIGIL_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) VIGIL_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE_LOCK(...) VIGIL_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE_LOCK(...) VIGIL_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS VIGIL_TSA(no_thread_safety_analysis)

namespace vigil {

// Threads: any.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE_LOCK() { mutex_.lock(); }
  void unlock() RELEASE_LOCK() { mutex_.unlock(); }
  // For condition variables; the analysis does not follow it.
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE_LOCK(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE_LOCK() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A value behind a mutex. Do no I/O and call no foreign callback inside With().
// Threads: any.
template <typename T>
class Guarded {
 public:
  template <typename... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  template <typename F>
  decltype(auto) With(F&& f) {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <typename F>
  decltype(auto) With(F&& f) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  // For immutable snapshots: Guarded<std::shared_ptr<const Config>>.
  [[nodiscard]] T Copy() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return value_;
  }
  void Set(T value) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::swap(value_, value);  // the old value dies outside the lock
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace vigil
