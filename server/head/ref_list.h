// SPDX-License-Identifier: Apache-2.0
// A rising list of series refs. Most values of most labels have one or two series, so two fit in
// place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "client-lib/base/result.h"

namespace vigil::head {

// Threads: one at a time.
class RefList {
 public:
  RefList() = default;
  ~RefList() {
    if (!InPlace()) std::free(heap_);
  }
  RefList(const RefList&) = delete;
  RefList& operator=(const RefList&) = delete;

  // REQUIRES: ref is above all before.
  void Add(uint32_t ref) {
    if (size_ == capacity_) Grow();
    (InPlace() ? in_place_ : heap_)[size_++] = ref;
  }
  [[nodiscard]] std::span<const uint32_t> refs() const {
    return {InPlace() ? in_place_ : heap_, size_};
  }
  [[nodiscard]] size_t heap_bytes() const { return InPlace() ? 0 : capacity_ * sizeof(uint32_t); }

 private:
  static constexpr uint32_t kInPlace = 2;

  [[nodiscard]] bool InPlace() const { return capacity_ == kInPlace; }
  void Grow() {
    const uint32_t larger = capacity_ < 6 ? 6 : capacity_ + capacity_ / 2;
    auto* memory = static_cast<uint32_t*>(
        std::realloc(InPlace() ? nullptr : heap_, larger * sizeof(uint32_t)));
    CHECK(memory != nullptr);
    if (InPlace()) {
      for (uint32_t i = 0; i < size_; ++i) memory[i] = in_place_[i];
    }
    heap_ = memory;
    capacity_ = larger;
  }

  union {
    uint32_t in_place_[kInPlace] = {};
    uint32_t* heap_;
  };
  uint32_t size_ = 0;
  uint32_t capacity_ = kInPlace;
};

}  // namespace vigil::head
