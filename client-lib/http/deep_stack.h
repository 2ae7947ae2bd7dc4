// SPDX-License-Identifier: Apache-2.0
// A stack of the usual size for a thread that has a small one. CivetWeb gives its workers 100 kB,
// which a deeply nested query or configuration file overruns.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace vigil::http {

// The thread itself changes over to the stack: no other thread has to wake up, which would cost
// more than a small request.
// Threads: owner thread only.
class DeepStack {
 public:
  // Takes address space of this size with the first Run(); memory, where the stack is touched.
  explicit DeepStack(size_t bytes = kDefaultBytes) : bytes_(bytes) {}
  ~DeepStack();
  DeepStack(const DeepStack&) = delete;
  DeepStack& operator=(const DeepStack&) = delete;

  // Calls work() on the stack. work must not throw, nor call Run(). False, without the call, when
  // the system has no room for the stack; the next call tries anew.
  [[nodiscard]] bool Run(const std::function<void()>& work);

  // Twice what the deepest query takes with sanitizers.
  static constexpr size_t kDefaultBytes = 32 << 20;

 private:
  bool Map();
  static void Enter(unsigned high, unsigned low);
  void Work();

  const size_t bytes_;
  void* memory_ = nullptr;  // a page that must not be touched, then the stack
  ucontext_t caller_{};
  ucontext_t deep_{};
  const std::function<void()>* work_ = nullptr;
  // For the sanitizers, which want to know of each change.
  void* caller_fiber_ = nullptr;
  const void* caller_bottom_ = nullptr;
  size_t caller_bytes_ = 0;
};

}  // namespace vigil::http
