// SPDX-License-Identifier: Apache-2.0
// The text of a posted alert by its hash: who posts the same text again says nothing new.
#pragma once

#include <cstdint>
#include <string_view>

namespace vigil::alerting {

// Two texts with the same key would be taken for one; with 128 bits and a seed that senders do not
// know, that does not happen. All zero: no text.
struct TextKey {
  uint64_t low = 0;
  uint64_t high = 0;

  [[nodiscard]] bool empty() const { return low == 0 && high == 0; }
  bool operator==(const TextKey&) const = default;
};

// Threads: any.
TextKey KeyOfText(std::string_view text, uint64_t seed);

}  // namespace vigil::alerting
