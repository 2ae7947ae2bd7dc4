// SPDX-License-Identifier: Apache-2.0
// Values as JSON, as Go's encoding/json writes them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// <, > and & are escaped, keys are sorted, structs have their fields' names. bad_data for NaN,
// infinities and functions; execution when it grows beyond max_bytes.
Result<std::string> ToJson(const Value& value, size_t max_bytes);
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace vigil::tmpl
