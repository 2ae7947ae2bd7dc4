// SPDX-License-Identifier: Apache-2.0
// Characters of UTF-8 text, as far as matchers need to know them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vigil::alerting {

// Bytes of the first character; 1 when it is no UTF-8. REQUIRES: !text.empty()
size_t RuneSize(std::string_view text);
// Of one character: Unicode's white space, as Go's unicode.IsSpace.
bool IsUnicodeSpace(std::string_view character);
std::string_view TrimUnicodeSpace(std::string_view text);
// How many characters a valid text has.
size_t RuneCount(std::string_view text);

// A double-quoted Go string literal, quotes included: escapes \a \b \f \n \r \t \v \\ \" \ooo \xhh
// \uhhhh \Uhhhhhhhh. Nothing when it is none.
std::optional<std::string> UnquoteGo(std::string_view literal);

}  // namespace vigil::alerting
