// SPDX-License-Identifier: Apache-2.0
// What the grammar cannot say: types of operands and arguments, matchers that would select all.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "server/promql/ast.h"

namespace vigil::promql {

// Reports every violation with its position, in upstream's order and words, and drops vector
// matching where an operand is a scalar.
// REQUIRES: a complete tree.
void CheckTypes(Expr* root, std::string_view query,
                const std::function<void(size_t pos, std::string message)>& report);

}  // namespace vigil::promql
