// SPDX-License-Identifier: Apache-2.0
// Alerts and samples that a unit test of rules expects beside those that came, in promtool's text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client-lib/model/labels.h"

namespace vigil::cli {

struct AlertText {
  Labels labels;
  Labels annotations;
  bool operator==(const AlertText&) const = default;
};

// By labels, then annotations.
void SortAlerts(std::vector<AlertText>* alerts);
// `[]`, or a block of lines.
std::string PrintAlerts(const std::vector<AlertText>& alerts);
// Both as JSON in one, what is only expected in red, what only came in green, changes in yellow.
std::string DiffAlerts(const std::vector<AlertText>& expected, const std::vector<AlertText>& got);

struct SampleText {
  Labels labels;
  double value = 0;
  std::string histogram;  // not empty: instead of the value
};

void SortSamples(std::vector<SampleText>* samples);
// As promtool compares: NaN equals nothing. fuzzy: neighbouring doubles are equal.
bool SameSamples(const std::vector<SampleText>& a, const std::vector<SampleText>& b, bool fuzzy);
// `nil`, or all on one line.
std::string PrintSamples(const std::vector<SampleText>& samples);

// The text with `indent` before every line but the first.
std::string IndentLines(std::string_view lines, std::string_view indent);

}  // namespace vigil::cli
