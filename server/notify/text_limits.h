// SPDX-License-Identifier: Apache-2.0
// How long texts may be, and the short names that services know a group by.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vigil::notify {

struct Truncated {
  std::string text;
  bool cut = false;
};

// At most n characters; the last of a text that was cut is "…" (with n <= 3 nothing marks it).
Truncated TruncateInRunes(std::string_view text, size_t n);
// At most n bytes; a text that was cut ends in "…" on the border of a character (below 3 bytes it
// is dots).
Truncated TruncateInBytes(std::string_view text, size_t n);

// The SHA-256 of the text in 64 hexadecimal digits: how services tell one group from another.
std::string KeyHash(std::string_view group_key);

}  // namespace vigil::notify
