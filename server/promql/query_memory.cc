// SPDX-License-Identifier: Apache-2.0
// See query_memory.h.
#include "server/promql/query_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace vigil::promql {
namespace {

// Taken from the pool at once, so that small queries touch it once.
constexpr size_t kTakenAtOnce = 4 << 20;

Error TooMuch(size_t limit, std::string_view whose) {
  return ExecutionError(
      fmt::format("query processing would take more memory than the limit of {} MB for {}: ask for "
                  "fewer series or a shorter range",
                  limit >> 20, whose));
}

}  // namespace

bool MemoryPool::Take(size_t bytes) {
  const size_t before = held_.fetch_add(bytes, std::memory_order_relaxed);
  if (limit_ == 0 || before + bytes <= limit_) return true;
  GiveBack(bytes);
  return false;
}

QueryMemory& QueryMemory::operator=(QueryMemory&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(limit_, other.limit_);
  std::swap(taken_, other.taken_);
  return *this;
}

QueryMemory::~QueryMemory() {
  if (pool_ != nullptr) pool_->GiveBack(taken_);
}

Result<void> QueryMemory::Grow(size_t bytes) {
  if (limit_ != 0 && bytes > limit_) return TooMuch(limit_, "one query");
  if (pool_ == nullptr) return Ok();
  size_t wanted = (bytes / kTakenAtOnce + 1) * kTakenAtOnce;
  if (limit_ != 0) wanted = std::min(wanted, limit_);
  if (!pool_->Take(wanted - taken_)) {
    // What is taken ahead must not be what is too much.
    wanted = bytes;
    if (!pool_->Take(wanted - taken_)) return TooMuch(pool_->limit(), "all queries");
  }
  taken_ = wanted;
  return Ok();
}

void QueryMemory::ShrinkTo(size_t bytes) {
  if (pool_ == nullptr || bytes >= taken_) return;
  pool_->GiveBack(taken_ - bytes);
  taken_ = bytes;
}

}  // namespace vigil::promql
