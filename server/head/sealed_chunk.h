// SPDX-License-Identifier: Apache-2.0
// Samples of one series that take no more: header and bytes in one allocation, shared by the
// series and the readers that looked before it was dropped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "client-lib/model/sample.h"

namespace vigil::head {

// Immutable but for its link, which belongs to the series.
struct SealedChunk {
  // The bytes are a stream of floats or histograms (as they were appended) or, once a flush has
  // encoded them, a chunk, which is smaller.
  enum class Format : uint8_t { kStream, kHistogramStream, kChunk };

  uint64_t generation;
  TimestampMs first_time;
  TimestampMs last_time;
  uint32_t count;
  uint32_t size;
  uint32_t encoding;  // of a chunk; of a stream of floats where its newest mark is
  Format format;

  [[nodiscard]] std::string_view bytes() const {
    return {reinterpret_cast<const char*>(this + 1), size};
  }
  [[nodiscard]] size_t heap_bytes() const { return sizeof(SealedChunk) + size; }

 private:
  friend class SealedRef;
  std::atomic<uint32_t> refs;
  SealedChunk* older;  // guarded by the lock of the series
};

// A counted reference to a sealed chunk, and the chain from it to older ones.
// Threads: one at a time for one reference; the links only under the lock of the series.
class SealedRef {
 public:
  SealedRef() = default;
  // Copies the bytes; there is room for readers of streams behind them.
  static SealedRef Create(uint64_t generation, TimestampMs first_time, TimestampMs last_time,
                          uint32_t count, SealedChunk::Format format, uint32_t encoding,
                          std::string_view bytes);
  SealedRef(const SealedRef& other) : chunk_(other.chunk_) {
    if (chunk_ != nullptr) chunk_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  SealedRef(SealedRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  SealedRef& operator=(SealedRef other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~SealedRef() { Release(); }

  explicit operator bool() const { return chunk_ != nullptr; }
  const SealedChunk* operator->() const { return chunk_; }
  const SealedChunk& operator*() const { return *chunk_; }

  // The next older chunk of the series, if any.
  [[nodiscard]] SealedRef Older() const;
  // Puts `older` behind this one; what was there is let go.
  void SetOlder(SealedRef older);

 private:
  explicit SealedRef(SealedChunk* chunk) : chunk_(chunk) {}
  void Release();

  SealedChunk* chunk_ = nullptr;
};

}  // namespace vigil::head
