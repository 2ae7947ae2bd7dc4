// SPDX-License-Identifier: Apache-2.0
// Small string helpers on string_view.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil {

std::string_view TrimSpace(std::string_view text);
std::vector<std::string_view> Split(std::string_view text, char separator);
// Runs of blanks and tabs separate; no empty fields.
std::vector<std::string_view> Fields(std::string_view text);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string AsciiLower(std::string_view text);
std::string AsciiUpper(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
// Decimal digits only, no sign, no overflow.
std::optional<uint64_t> ParseUint(std::string_view text);
std::optional<int64_t> ParseInt(std::string_view text);
bool IsValidUtf8(std::string_view text);
// With double quotes and Go's escapes (strconv.Quote for printable UTF-8 and control characters).
std::string Quote(std::string_view text);
// %XX and, when plus_is_space, '+'. bad_data on a broken escape.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);
// Standard or URL alphabet, padding optional. bad_data on a foreign character.
Result<std::string> Base64Decode(std::string_view text);
std::string Base64Encode(std::string_view bytes);

}  // namespace vigil
