// SPDX-License-Identifier: Apache-2.0
// Memory that queries hold, kept within a limit for each and one for all of them together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "client-lib/base/result.h"

namespace vigil::promql {

// What all queries of an engine hold.
// Threads: any.
class MemoryPool {
 public:
  // 0: no limit.
  explicit MemoryPool(size_t limit) : limit_(limit) {}
  // False when there is not so much left.
  bool Take(size_t bytes);
  void GiveBack(size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] size_t held() const { return held_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t limit() const { return limit_; }

 private:
  const size_t limit_;
  std::atomic<size_t> held_{0};
};

// The part of one query: as much as it held at most since it was shrunk, given back when it ends.
// Threads: owner thread only.
class QueryMemory {
 public:
  QueryMemory() = default;
  // limit 0: none but the pool's.
  QueryMemory(std::shared_ptr<MemoryPool> pool, size_t limit)
      : pool_(std::move(pool)), limit_(limit) {}
  QueryMemory(QueryMemory&& other) noexcept { *this = std::move(other); }
  QueryMemory& operator=(QueryMemory&& other) noexcept;
  ~QueryMemory();

  // Execution error when the query may not hold so many bytes.
  Result<void> Reach(size_t bytes) { return bytes <= taken_ ? Ok() : Grow(bytes); }
  // It holds no more than this from now on.
  void ShrinkTo(size_t bytes);
  // How much it may hold; SIZE_MAX: as much as there is.
  [[nodiscard]] size_t limit() const { return limit_ == 0 ? SIZE_MAX : limit_; }

 private:
  Result<void> Grow(size_t bytes);

  std::shared_ptr<MemoryPool> pool_;
  size_t limit_ = 0;
  size_t taken_ = 0;
};

}  // namespace vigil::promql
