// SPDX-License-Identifier: Apache-2.0
// Text that is written in parts, by several threads, ahead of where it is sent.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "server/promql/workers.h"

namespace vigil::web {

struct TextAhead {
  // At most so many parts are in memory.
  static constexpr size_t kParts = 8;

  size_t count = 0;
  // Appends a part to the empty *out. Any thread, several at once for different parts.
  std::function<void(size_t part, std::string* out)> write;
  // The caller's thread, in order. False: no more of it.
  std::function<bool(std::string_view text)> send;
  // Those that are idle help; null: nobody. None waits for a slow client: a helper that has nothing
  // left to write leaves, and is called again when there is.
  promql::Workers* helpers = nullptr;
  std::atomic<int64_t>* helper_cpu_ns = nullptr;  // gets their CPU time; null: nobody asks
};

// False when send() said so. Returns when nobody writes any more.
bool SendInOrder(const TextAhead& text);

}  // namespace vigil::web
