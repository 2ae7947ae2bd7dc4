// SPDX-License-Identifier: Apache-2.0
#include "server/chunks/packing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace vigil::chunks {
namespace {

// Eight items lie in as many bytes as one has bits: with the width known, all offsets and shifts
// are constants. Reads up to 8 bytes behind the items.
template <unsigned kBits>
void UnpackRun(const uint8_t* data, uint64_t* out) {
  if constexpr (kBits == 0) {
    for (size_t i = 0; i < kUnpackRun; ++i) out[i] = 0;
  } else {
    constexpr uint64_t kMask = (uint64_t{1} << kBits) - 1;
    for (size_t i = 0; i < kUnpackRun; i += 8, data += kBits, out += 8) {
      out[0] = LoadWord(data) & kMask;
      out[1] = LoadWord(data + kBits / 8) >> (kBits % 8) & kMask;
      out[2] = LoadWord(data + 2 * kBits / 8) >> (2 * kBits % 8) & kMask;
      out[3] = LoadWord(data + 3 * kBits / 8) >> (3 * kBits % 8) & kMask;
      out[4] = LoadWord(data + 4 * kBits / 8) >> (4 * kBits % 8) & kMask;
      out[5] = LoadWord(data + 5 * kBits / 8) >> (5 * kBits % 8) & kMask;
      out[6] = LoadWord(data + 6 * kBits / 8) >> (6 * kBits % 8) & kMask;
      out[7] = LoadWord(data + 7 * kBits / 8) >> (7 * kBits % 8) & kMask;
    }
  }
}

using UnpackFn = void (*)(const uint8_t*, uint64_t*);

template <unsigned... kWidths>
constexpr std::array<UnpackFn, sizeof...(kWidths)> Table(
    std::integer_sequence<unsigned, kWidths...>) {
  return {&UnpackRun<kWidths>...};
}

constexpr auto kUnpack = Table(std::make_integer_sequence<unsigned, kMaxPackedBits + 1>());

}  // namespace

void Unpack(const PackedItems& items, size_t first, size_t count, uint64_t* out) {
  const size_t start = first / 8 * items.bits;
  const size_t run_bytes = PackedSize(kUnpackRun, items.bits);
  if (start + run_bytes + 8 <= items.size) {
    kUnpack[items.bits](items.data + start, out);
    return;
  }
  // The last run: with room behind it, and zeros.
  uint8_t run[PackedSize(kUnpackRun, kMaxPackedBits) + 8];
  const size_t size = std::min(PackedSize(count, items.bits), items.size - start);
  if (size > 0) std::memcpy(run, items.data + start, size);  // of no bits there is no data
  std::memset(run + size, 0, run_bytes + 8 - size);
  kUnpack[items.bits](run, out);
}

}  // namespace vigil::chunks
