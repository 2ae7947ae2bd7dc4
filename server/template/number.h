// SPDX-License-Identifier: Apache-2.0
// Number and character literals of templates.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "server/template/node.h"

namespace vigil::tmpl {

// Go's strconv.ParseInt and ParseUint with base 0: 12, 0x1f, 0o17, 017, 0b11, 1_000.
std::optional<int64_t> ParseIntLiteral(std::string_view text);
std::optional<uint64_t> ParseUintLiteral(std::string_view text);

// A number ("12", "1.5e3", "'a'" when is_char). Null with *error set to Go's sentence when it is
// none.
std::shared_ptr<const NumberNode> ParseNumber(size_t position, std::string_view text, bool is_char,
                                              std::string* error);

}  // namespace vigil::tmpl
