// SPDX-License-Identifier: Apache-2.0
// Quantiles over plain values.
#include "server/promql/statistics.h"

#include <algorithm>
#include <limits>

#include "client-lib/model/sample.h"

namespace vigil::promql {

double Quantile(double q, std::span<double> values) {
  if (values.empty() || std::isnan(q)) return NormalNaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  const double n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double weight = rank - std::floor(rank);
  // Only the two neighbours of the rank have to be in their places.
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(lower);
  std::nth_element(values.begin(), at, values.end(), LessNanFirst);
  const auto next =
      at + 1 == values.end() ? at : std::min_element(at + 1, values.end(), LessNanFirst);
  return *at * (1 - weight) + *next * weight;
}

}  // namespace vigil::promql
