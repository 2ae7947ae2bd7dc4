// SPDX-License-Identifier: Apache-2.0
// Go's fmt: Sprintf, Sprint and Sprintln of values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// All verbs that fit values (v T t b c d o O q x X U e E f F g G s), the flags + - # space 0,
// width and precision with *, explicit argument indexes, and fmt's own error texts
// (%!d(string=hi)). An error (execution) only when the text grows beyond max_bytes.
Result<std::string> Sprintf(std::string_view format, Args args, size_t max_bytes);
// Spaces between operands when neither is a string.
Result<std::string> Sprint(Args args, size_t max_bytes);
// Spaces between all, and a newline.
Result<std::string> Sprintln(Args args, size_t max_bytes);

// %v of one value, for error texts: cut off after some bytes.
std::string ShowValue(const Value& value);

// What a String method of the value returns; nothing when it has none.
std::optional<std::string> StringerText(const Value& value);

}  // namespace vigil::tmpl
