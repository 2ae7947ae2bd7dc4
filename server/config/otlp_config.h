// SPDX-License-Identifier: Apache-2.0
// The `otlp` section: how OTLP metrics become series.
#pragma once

#include <string>
#include <vector>

namespace vigil::config {

struct OtlpConfig {
  // Attributes of the resource that each of its series gets as labels.
  bool promote_all_resource_attributes = false;
  std::vector<std::string> promote_resource_attributes;
  std::vector<std::string> ignore_resource_attributes;  // of all
  std::string translation_strategy = "UnderscoreEscapingWithSuffixes";
  // target_info has service.name and the like as labels, too.
  bool keep_identifying_resource_attributes = false;
  bool convert_histograms_to_nhcb = false;
  // otel_scope_name and the like.
  bool promote_scope_metadata = false;
  // Of names that are escaped: _a becomes key_a; a__b stays.
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;

  friend bool operator==(const OtlpConfig&, const OtlpConfig&) = default;
};

}  // namespace vigil::config
