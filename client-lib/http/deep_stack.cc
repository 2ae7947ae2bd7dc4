// SPDX-License-Identifier: Apache-2.0
// See deep_stack.h.
#include "client-lib/http/deep_stack.h"

#include <sys/mman.h>

#include <cstdint>

#include "client-lib/base/result.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VIGIL_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define VIGIL_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define VIGIL_ADDRESS_SANITIZER
#endif
#if defined(__SANITIZE_THREAD__)
#define VIGIL_THREAD_SANITIZER
#endif

#if defined(VIGIL_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(VIGIL_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

namespace vigil::http {
namespace {

constexpr size_t kGuardBytes = 4096;

}  // namespace

DeepStack::~DeepStack() {
  if (memory_ != nullptr) munmap(memory_, kGuardBytes + bytes_);
}

// Where memory is not overcommitted the system may refuse.
bool DeepStack::Map() {
  void* const memory = mmap(nullptr, kGuardBytes + bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    munmap(memory, kGuardBytes + bytes_);
    return false;
  }
  memory_ = memory;
  return true;
}

bool DeepStack::Run(const std::function<void()>& work) {
  if (memory_ == nullptr && !Map()) return false;
  work_ = &work;
  CHECK(getcontext(&deep_) == 0);
  char* const bottom = static_cast<char*>(memory_) + kGuardBytes;
  deep_.uc_stack.ss_sp = bottom;
  deep_.uc_stack.ss_size = bytes_;
  deep_.uc_link = nullptr;
  // A context takes numbers only.
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&deep_, reinterpret_cast<void (*)()>(&Enter), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
#if defined(VIGIL_ADDRESS_SANITIZER)
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, bytes_);
#endif
#if defined(VIGIL_THREAD_SANITIZER)
  caller_fiber_ = __tsan_get_current_fiber();
  void* const fiber = __tsan_create_fiber(0);
  __tsan_switch_to_fiber(fiber, 0);
#endif
  CHECK(swapcontext(&caller_, &deep_) == 0);
#if defined(VIGIL_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
#if defined(VIGIL_THREAD_SANITIZER)
  __tsan_destroy_fiber(fiber);
#endif
  work_ = nullptr;
  return true;
}

void DeepStack::Enter(unsigned high, unsigned low) {
  const uintptr_t self = static_cast<uintptr_t>(high) << 32 | low;
  reinterpret_cast<DeepStack*>(self)->Work();
}

void DeepStack::Work() {
#if defined(VIGIL_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(nullptr, &caller_bottom_, &caller_bytes_);
#endif
  (*work_)();
#if defined(VIGIL_ADDRESS_SANITIZER)
  // Null: the frames on this stack are gone for good.
  __sanitizer_start_switch_fiber(nullptr, caller_bottom_, caller_bytes_);
#endif
#if defined(VIGIL_THREAD_SANITIZER)
  __tsan_switch_to_fiber(caller_fiber_, 0);
#endif
  setcontext(&caller_);
  CHECK(false);
}

}  // namespace vigil::http
