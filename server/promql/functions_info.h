// SPDX-License-Identifier: Apache-2.0
// info(): adds the data labels of info series (target_info and the like) to other series.
#pragma once

#include "server/promql/function_table.h"
#include "server/promql/value.h"

namespace vigil::promql {

Result<Value> Info(CallContext& call);

}  // namespace vigil::promql
