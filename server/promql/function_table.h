// SPDX-License-Identifier: Apache-2.0
// The functions of PromQL as rows: the parser's type check, the engine's dispatch, name dropping
// and the documentation all read the same row.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "client-lib/base/result.h"
#include "server/promql/ast.h"

namespace vigil::promql {

class CallContext;   // server/promql/call_context.h
struct Value;        // server/promql/value.h
struct RangeWindow;  // server/promql/range_window.h
struct RangeSweep;   // server/promql/range_window.h

// Pointwise on a vector: abs, sqrt, ...
using MapFn = double (*)(double);
// Over the samples of one window of one series; nothing when there is no result. For functions
// whose result needs every sample of the window again.
using RangeFn = std::optional<double> (*)(const RangeWindow&);
// Over all windows of one series in one pass: cost per sample, not per window.
using SweepFn = void (*)(const RangeSweep&);
// Everything else: sees its evaluated arguments, all steps at once.
using SpecialFn = Result<Value> (*)(CallContext&);

// At most 12 arguments (histogram_quantiles takes a vector, a label and up to ten quantiles).
struct FunctionRow {
  std::string_view name;
  std::array<ValueType, 12> args{};  // kNone behind the last
  // How many of args may be left out (from the end); -1: the last may be left out or repeat without
  // limit.
  int optional = 0;
  ValueType result = ValueType::kVector;
  bool experimental = false;
  bool keeps_name = false;  // does not drop __name__
  std::variant<std::monostate, MapFn, RangeFn, SweepFn, SpecialFn> kernel{};
  std::string_view help;

  [[nodiscard]] size_t arg_count() const {
    size_t n = 0;
    while (n < args.size() && args[n] != ValueType::kNone) ++n;
    return n;
  }
};

// Null when there is no such function. Sorted by name, checked at start-up.
const FunctionRow* FindFunction(std::string_view name);
std::span<const FunctionRow* const> AllFunctions();

}  // namespace vigil::promql
