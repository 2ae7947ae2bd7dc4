// SPDX-License-Identifier: Apache-2.0
// What is known of a metric beside its samples.
#pragma once

#include <string>
#include <vector>

namespace vigil::storage {

struct MetricMetadata {
  std::string metric;  // the family
  std::string type;    // "counter", "gauge", ...
  std::string help;
  std::string unit;

  bool operator==(const MetricMetadata&) const = default;
};

// Threads: any.
class MetadataReader {
 public:
  virtual ~MetadataReader() = default;
  // Of all metrics, or of the one named; by metric. One row per metric: what was told last.
  [[nodiscard]] virtual std::vector<MetricMetadata> Metadata(const std::string& metric) const = 0;
};

}  // namespace vigil::storage
