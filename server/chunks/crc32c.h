// SPDX-License-Identifier: Apache-2.0
// The checksum of pages and chunks.
#pragma once

#include <cstdint>
#include <string_view>

namespace vigil::chunks {

// CRC-32C (Castagnoli): "123456789" gives e3069283. With the processor's instruction where it has
// one.
uint32_t Crc32c(std::string_view bytes);

// The same by tables: the twin that machines without the instruction use.
uint32_t Crc32cPortable(std::string_view bytes);

}  // namespace vigil::chunks
