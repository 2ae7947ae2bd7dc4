// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace vigil::head {

// Sizes for Stats(); signed, because growth and shrinkage are added from several threads.
struct Sizes {
  std::atomic<int64_t> unflushed_samples{0};
  std::atomic<int64_t> sealed_chunks{0};
  std::atomic<int64_t> sample_bytes{0};
  std::atomic<int64_t> label_bytes{0};
  std::atomic<int64_t> idle_series{0};  // at the last flush
};

}  // namespace vigil::head
