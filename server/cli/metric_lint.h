// SPDX-License-Identifier: Apache-2.0
// What is against the conventions of naming metrics, in the words of upstream's linter.
#pragma once

#include <string>
#include <vector>

#include "client-lib/exposition/families.h"

namespace vigil::cli {

struct MetricProblem {
  std::string metric;
  std::string text;
  auto operator<=>(const MetricProblem&) const = default;
};

// Sorted by metric, then text.
std::vector<MetricProblem> LintMetrics(const std::vector<exposition::Family>& families);

}  // namespace vigil::cli
