// SPDX-License-Identifier: Apache-2.0
// `vigilctl query …`: asks a server's HTTP API and prints the answer as promtool does.
#pragma once

#include <string>
#include <vector>

#include "client-lib/base/json_value.h"
#include "client-lib/base/result.h"

namespace vigil::cli {

// The result of a query in promtool's form: `up{job="a"} => 1 @[1700000000.123]`; of a range
// the series, then a line per sample. data: as the API has it, with resultType and result.
Result<std::string> PrintResult(const JsonValue& data);
// name{a="b", c="d"}
std::string PrintMetric(const JsonValue& labels);

// kind: instant, range, explain, running, cancel, series or labels; args are the words behind it.
// The exit code.
int RunQuery(const std::string& kind, const std::vector<std::string>& args);

}  // namespace vigil::cli
