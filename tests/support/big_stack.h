// SPDX-License-Identifier: Apache-2.0
// Calls a function on a thread with a stack of a given size: sanitizers make frames several times
// as large.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>

#include "client-lib/base/result.h"

namespace vigil::tests {

inline constexpr size_t kBigStackBytes = 64 << 20;

inline void RunOnBigStack(const std::function<void()>& work, size_t bytes = kBigStackBytes) {
  pthread_attr_t attributes;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstacksize(&attributes, bytes) == 0);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  auto* argument = const_cast<std::function<void()>*>(&work);
  CHECK(pthread_create(&thread, &attributes, run, argument) == 0);
  CHECK(pthread_join(thread, nullptr) == 0);
  CHECK(pthread_attr_destroy(&attributes) == 0);
}

}  // namespace vigil::tests
