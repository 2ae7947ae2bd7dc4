// SPDX-License-Identifier: Apache-2.0
// Joins the rows of functions_*.cc and finds them by name.
#include "server/promql/function_table.h"

#include <algorithm>
#include <vector>

#include "server/promql/functions.h"

namespace vigil::promql {
namespace {

std::vector<const FunctionRow*> JoinRows() {
  std::vector<const FunctionRow*> rows;
  for (std::span<const FunctionRow> part :
       {MathFunctions(), OverTimeFunctions(), RateFunctions(), LabelFunctions(), TimeFunctions(),
        HistogramFunctions(), SpecialFunctions()}) {
    for (const FunctionRow& row : part) rows.push_back(&row);
  }
  std::ranges::sort(rows, {}, &FunctionRow::name);
  const auto twin = std::ranges::adjacent_find(rows, {}, &FunctionRow::name);
  CHECK(twin == rows.end());
  return rows;
}

}  // namespace

std::span<const FunctionRow* const> AllFunctions() {
  static const std::vector<const FunctionRow*> rows = JoinRows();
  return rows;
}

const FunctionRow* FindFunction(std::string_view name) {
  const auto rows = AllFunctions();
  const auto found = std::ranges::lower_bound(rows, name, {}, &FunctionRow::name);
  return found != rows.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace vigil::promql
