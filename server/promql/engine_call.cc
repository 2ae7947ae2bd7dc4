// SPDX-License-Identifier: Apache-2.0
// Calls of functions, by the shape of their kernel.
#include <variant>

#include "server/promql/call_context.h"
#include "server/promql/engine_evaluator.h"
#include "server/promql/function_table.h"

namespace vigil::promql {

Result<Value> Evaluator::CallSpecial(const Call& call) {
  const SpecialFn* kernel = std::get_if<SpecialFn>(&call.function->kernel);
  CHECK(kernel != nullptr);
  CallContext context(*this, call);
  return (*kernel)(context);
}

Result<void> Evaluator::MapRows(const Call& call, double (*map)(double), RowSink& sink) {
  const Expr& arg = *call.args[0];
  return DroppingNames(SameLabels::kMerge, HasSingleName(arg), sink, [&](RowSink& dropper) {
    RowFunction mapped([&](const SeriesRow& row) {
      for (double& v : row.values) {
        if (!IsStaleNaN(v)) v = map(v);
      }
      // Of histograms nothing is left.
      return dropper.Take({row.labels, row.drop_name, row.values});
    });
    return Rows(arg, mapped);
  });
}

Result<void> Evaluator::CallRows(const Call& call, RowSink& sink) {
  const FunctionRow& function = *call.function;
  if (const MapFn* map = std::get_if<MapFn>(&function.kernel)) return MapRows(call, *map, sink);
  if (!std::holds_alternative<SpecialFn>(function.kernel)) return RangeCallRows(call, sink);
  Value value = TRY(Charged(TRY(CallSpecial(call))));
  if (function.keeps_name) return Emit(std::move(value), sink);
  return DroppingNames(SameLabels::kMerge, false, sink,
                       [&](RowSink& dropper) { return Emit(std::move(value), dropper); });
}

}  // namespace vigil::promql
