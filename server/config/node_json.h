// SPDX-License-Identifier: Apache-2.0
// Values of any shape as JSON.
#pragma once

#include <string>
#include <string_view>

#include "server/config/yaml_node.h"

namespace vigil::config {

// With quotes.
std::string JsonString(std::string_view text);
// The value as JSON, which is YAML as well.
std::string NodeToJson(const YamlNode& value);

}  // namespace vigil::config
