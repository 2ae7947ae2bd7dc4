// SPDX-License-Identifier: Apache-2.0
// `vigilctl check metrics`: lints a page of metrics from the standard input, as promtool does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vigil::cli {

// What came of a page: texts for stdout and stderr, and the exit code (3: lint).
struct MetricsReport {
  std::string out;
  std::string err;
  int code = 0;
};

// extended: with a table of how many series each metric has.
MetricsReport CheckMetricsPage(std::string_view page, bool lint, bool extended);

// The command; args are the words behind `check metrics`. The exit code.
int RunCheckMetrics(const std::vector<std::string>& args);

}  // namespace vigil::cli
