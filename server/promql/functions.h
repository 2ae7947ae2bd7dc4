// SPDX-License-Identifier: Apache-2.0
// The rows of the function table, file by file.
#pragma once

#include <span>

#include "server/promql/function_table.h"

namespace vigil::promql {

std::span<const FunctionRow> MathFunctions();
std::span<const FunctionRow> OverTimeFunctions();
std::span<const FunctionRow> RateFunctions();
std::span<const FunctionRow> LabelFunctions();
std::span<const FunctionRow> TimeFunctions();
std::span<const FunctionRow> HistogramFunctions();
std::span<const FunctionRow> SpecialFunctions();

}  // namespace vigil::promql
