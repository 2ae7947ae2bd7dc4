// SPDX-License-Identifier: Apache-2.0
#include "server/promql/ast.h"

#include <iterator>

namespace vigil::promql {
namespace {

// In the order of the enumerators.
constexpr std::string_view kBinaryTexts[] = {"+",     "-",  "*",  "/",   "%",  "^",
                                             "atan2", "==", "!=", "<",   "<=", ">",
                                             ">=",    "</", ">/", "and", "or", "unless"};
static_assert(std::size(kBinaryTexts) == static_cast<size_t>(BinaryOp::kUnless) + 1);

constexpr std::string_view kAggregateTexts[] = {
    "sum",    "avg",  "min",     "max",      "count",        "group",  "stddev",
    "stdvar", "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"};
static_assert(std::size(kAggregateTexts) == static_cast<size_t>(AggregateOp::kLimitRatio) + 1);

}  // namespace

std::string_view ValueTypeApiName(ValueType type) {
  switch (type) {
    case ValueType::kNone:
      return "none";
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
  }
  return "none";
}

std::string_view ValueTypeErrorName(ValueType type) {
  switch (type) {
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    default:
      return ValueTypeApiName(type);
  }
}

std::string_view BinaryOpText(BinaryOp op) { return kBinaryTexts[static_cast<size_t>(op)]; }

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEq && op <= BinaryOp::kGe; }

bool IsSetOp(BinaryOp op) {
  return op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kUnless;
}

std::string_view AggregateOpText(AggregateOp op) {
  return kAggregateTexts[static_cast<size_t>(op)];
}

bool AggregateTakesParam(AggregateOp op) { return op >= AggregateOp::kTopk; }

}  // namespace vigil::promql
