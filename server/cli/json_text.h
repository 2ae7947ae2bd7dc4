// SPDX-License-Identifier: Apache-2.0
// JSON as the commands print it.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/model/labels.h"

namespace vigil::cli {

// With quotes, escaped as Go does.
std::string JsonText(std::string_view text);
// An object with a line for each label, further in than `indent`.
std::string JsonLabels(const Labels& labels, std::string_view indent);

}  // namespace vigil::cli
