// SPDX-License-Identifier: Apache-2.0
// Prints what /api/v1/query_explain answers as a tree for people.
#pragma once

#include <string>

#include "client-lib/base/json_value.h"

namespace vigil::cli {

// A line per node: share and time of the node alone, what came out of it and what it read, its text
// and how it was evaluated; before them a summary of the query.
std::string PrintPlan(const JsonValue& data);

// A line per running query.
std::string PrintQueries(const JsonValue& data);

}  // namespace vigil::cli
