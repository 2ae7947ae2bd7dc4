// SPDX-License-Identifier: Apache-2.0
// The API's description as JSON, for tools that read no YAML.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::web {

// The document as JSON, aliases in full. Plain scalars are what YAML 1.2 takes them for: null,
// true, false, numbers, else text. bad_data: `<name>:3:7: <reason>`.
Result<std::string> YamlToJson(std::string_view yaml, const std::string& name);

}  // namespace vigil::web
