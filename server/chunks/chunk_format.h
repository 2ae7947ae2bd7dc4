// SPDX-License-Identifier: Apache-2.0
// What encoder and decoder of chunks share; the format itself is told in chunk.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vigil::chunks {

inline constexpr size_t kChunkChecksumBytes = 4;
// In the place of a number of the summary.
inline constexpr uint8_t kSameAsFirst = 0xf0;
inline constexpr uint8_t kSameAsLast = 0xf1;

}  // namespace vigil::chunks
