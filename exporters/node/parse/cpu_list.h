// SPDX-License-Identifier: Apache-2.0
// The kernel's CPU lists: "0-3,8,10-11".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::node {

// Rising, each once. An empty text is an empty list; bad_data otherwise.
Result<std::vector<uint32_t>> ParseCpuList(std::string_view text);

}  // namespace vigil::node
