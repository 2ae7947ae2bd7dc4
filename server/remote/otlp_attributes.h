// SPDX-License-Identifier: Apache-2.0
// Attributes of OTLP resources and data points, and the labels that they become.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::remote {

struct OtlpAttribute {
  std::string key;
  std::string value;  // as text: numbers, lists and maps as JSON writes them, bytes as base64
};

// Appends the attribute of one message Attribute (otlp_metrics.proto). False when it is broken.
bool ReadOtlpAttribute(std::string_view message, std::vector<OtlpAttribute>* out);

// Labels by name. Several of one name are joined with `;`, in the order of their keys; what has no
// name or no value is left out.
using OtlpLabels = std::vector<std::pair<std::string, std::string>>;
OtlpLabels LabelsOfAttributes(std::span<const OtlpAttribute> attributes);

// Sets a label, whether it is there or not.
void SetOtlpLabel(std::string_view name, std::string_view value, OtlpLabels* labels);

// The message fields of remote write 1.0, sorted by name.
void AppendOtlpLabels(OtlpLabels labels, std::string* out);

}  // namespace vigil::remote
