// SPDX-License-Identifier: Apache-2.0
// /proc/loadavg.
#pragma once

#include <array>
#include <string_view>

#include "client-lib/base/result.h"

namespace vigil::node {

// The averages over 1, 5 and 15 minutes.
Result<std::array<double, 3>> ParseLoadavg(std::string_view text);

}  // namespace vigil::node
