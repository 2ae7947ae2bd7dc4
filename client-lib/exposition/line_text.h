// SPDX-License-Identifier: Apache-2.0
// What the readers of the exposition formats share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vigil::exposition {

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// For messages: quoted, and cut when it is long.
std::string Shown(std::string_view text);

// Index behind the closing quote of the string that begins at text[0], or npos.
size_t QuotedLength(std::string_view text);

// Takes a metric family name off the text: bare or quoted, returned without quotes. Empty: none.
std::string_view TakeFamilyName(std::string_view* text);

}  // namespace vigil::exposition
