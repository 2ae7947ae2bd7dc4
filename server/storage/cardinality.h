// SPDX-License-Identifier: Apache-2.0
// What the series index is made of: which names, values and pairs make it large.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vigil::storage {

// Largest first, equal ones by name.
using NamedCounts = std::vector<std::pair<std::string, uint64_t>>;

struct Cardinality {
  NamedCounts series_by_metric;
  NamedCounts values_by_label;
  NamedCounts bytes_by_label;  // of the label's values, once for each series that has them
  NamedCounts series_by_pair;  // job=node
};

}  // namespace vigil::storage
