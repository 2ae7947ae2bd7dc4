// SPDX-License-Identifier: Apache-2.0
// Attributes of OTLP resources and data points, and the labels that they become.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"
#include "server/remote/otlp_names.h"

namespace vigil::remote {

struct OtlpAttribute {
  std::string key;
  std::string value;  // as text: numbers, lists and maps as JSON writes them, bytes as base64
};

// "text", with the escapes that JSON needs.
void AppendJsonQuoted(std::string_view text, std::string* out);

// Appends the attribute of one message Attribute (otlp_metrics.proto). False when it is broken.
bool ReadOtlpAttribute(std::string_view message, std::vector<OtlpAttribute>* out);

// Labels by name. Several of one name are joined with `;`, in the order of their keys; what has no
// name or no value is left out.
using OtlpLabels = std::vector<std::pair<std::string, std::string>>;
OtlpLabels LabelsOfAttributes(std::span<const OtlpAttribute> attributes, const OtlpNaming& naming);

// Sets a label, whether it is there or not.
void SetOtlpLabel(std::string_view name, std::string_view value, OtlpLabels* labels);

// Which value stays of a name that both have.
enum class OtlpKeep { kFirst, kSecond };

// Sorted by name, each name once: of those that came in several the first or the last stays.
OtlpLabels DistinctOtlpLabels(OtlpLabels labels, OtlpKeep keep);

// Both in one; what has no value is left out. REQUIRES: both sorted by name, each name once.
OtlpLabels MergeOtlpLabels(OtlpLabels first, const OtlpLabels& second, OtlpKeep keep);

// The message fields of remote write 1.0, sorted by name.
void AppendOtlpLabels(OtlpLabels labels, std::string* out);

}  // namespace vigil::remote
