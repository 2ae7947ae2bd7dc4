// SPDX-License-Identifier: Apache-2.0
// How far a running query has come.
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::promql {

// Threads: the query's thread writes, any reads. Numbers of one moment need not fit together.
struct QueryProgress {
  std::atomic<int64_t> series{0};   // selected
  std::atomic<int64_t> samples{0};  // read
  std::atomic<int64_t> chunks_in_memory{0};
  std::atomic<int64_t> chunks_in_database{0};
  // CPU time of helper threads that are done; the query's own thread is not in it.
  std::atomic<int64_t> helper_cpu_ns{0};
};

}  // namespace vigil::promql
