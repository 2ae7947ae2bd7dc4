// SPDX-License-Identifier: Apache-2.0
// See proto_reader.h.
#include "client-lib/base/proto_reader.h"

namespace vigil {

bool TakeLongVarint(std::string_view* rest, uint64_t* value) {
  uint64_t result = 0;
  for (size_t i = 0; i < rest->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*rest)[i]);
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      // The tenth byte holds the last bit only.
      if (i == 9 && byte > 1) return false;
      rest->remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

}  // namespace vigil
