// SPDX-License-Identifier: Apache-2.0
// eq, ne, lt, le, gt, ge by Go's basic kinds.
#pragma once

#include "client-lib/base/result.h"
#include "server/template/value.h"

namespace vigil::tmpl {

// Whether the first equals any of the others. bad_data with Go's texts: "incompatible types for
// comparison", "non-comparable type ...", "missing argument for comparison".
Result<bool> EqualsAny(const Value& first, Args others);
// "invalid type for comparison" for what has no order.
Result<bool> IsLess(const Value& a, const Value& b);
Result<bool> IsLessOrEqual(const Value& a, const Value& b);

}  // namespace vigil::tmpl
