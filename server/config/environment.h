// SPDX-License-Identifier: Apache-2.0
// $VAR expansion as Go's os.Expand does it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace vigil::config {

// $name and ${name} become lookup(name); $$ is lookup("$"). A `$` before anything else stays.
std::string ExpandVariables(std::string_view text,
                            const std::function<std::string(const std::string&)>& lookup);

}  // namespace vigil::config
