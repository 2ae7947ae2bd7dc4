// SPDX-License-Identifier: Apache-2.0
// A lock that many share and one may take alone soon: whoever waits to be alone holds newcomers
// back. (std::shared_mutex lets readers pass a waiting writer for ever.)
#pragma once

#include <mutex>
#include <shared_mutex>

namespace vigil::storage {

// Works with std::shared_lock and std::unique_lock.
// Threads: any.
class Barrier {
 public:
  void lock_shared() {
    const std::lock_guard<std::mutex> pass(turnstile_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }
  void lock() {
    const std::lock_guard<std::mutex> pass(turnstile_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex turnstile_;  // bare: guards nothing but the order of arrival
  std::shared_mutex mutex_;
};

}  // namespace vigil::storage
