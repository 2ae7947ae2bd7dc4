// SPDX-License-Identifier: Apache-2.0
// The order people expect of names with numbers in them: cpu2 before cpu10.
#pragma once

#include <string_view>

namespace vigil::promql {

// A strict weak order. Runs of digits compare as numbers, everything else byte by byte.
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace vigil::promql
