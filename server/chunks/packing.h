// SPDX-License-Identifier: Apache-2.0
// Unpacks runs of packed items (chunk.h) at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/chunks/bytes.h"

namespace vigil::chunks {

// Items that are unpacked at a time.
inline constexpr size_t kUnpackRun = 128;

// Packed items as they lie in a chunk. REQUIRES: bits <= kMaxPackedBits.
struct PackedItems {
  const uint8_t* data = nullptr;
  size_t size = 0;  // bytes of the items
  unsigned bits = 0;
};

// Writes `count` items from the item `first` on to out, which has room for kUnpackRun and is filled
// up with anything.
// REQUIRES: first is a multiple of 8, count <= kUnpackRun, all items are there.
void Unpack(const PackedItems& items, size_t first, size_t count, uint64_t* out);

}  // namespace vigil::chunks
