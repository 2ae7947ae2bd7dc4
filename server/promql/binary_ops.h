// SPDX-License-Identifier: Apache-2.0
// The operators on plain numbers, chosen once per row rather than once per sample.
#pragma once

#include <cmath>
#include <span>

#include "client-lib/model/sample.h"
#include "server/promql/ast.h"

namespace vigil::promql {

// Calls f with a functor double(double, double). REQUIRES: op is arithmetic.
template <typename F>
void WithArithmetic(BinaryOp op, F f) {
  switch (op) {
    case BinaryOp::kAdd:
      return f([](double a, double b) { return a + b; });
    case BinaryOp::kSub:
      return f([](double a, double b) { return a - b; });
    case BinaryOp::kMul:
      return f([](double a, double b) { return a * b; });
    case BinaryOp::kDiv:
      return f([](double a, double b) { return a / b; });
    case BinaryOp::kMod:
      return f([](double a, double b) { return std::fmod(a, b); });
    case BinaryOp::kPow:
      return f([](double a, double b) { return std::pow(a, b); });
    case BinaryOp::kAtan2:
      return f([](double a, double b) { return std::atan2(a, b); });
    default:
      return;
  }
}

// Calls f with a functor bool(double, double). REQUIRES: op is a comparison.
template <typename F>
void WithComparison(BinaryOp op, F f) {
  switch (op) {
    case BinaryOp::kEq:
      return f([](double a, double b) { return a == b; });
    case BinaryOp::kNe:
      return f([](double a, double b) { return a != b; });
    case BinaryOp::kLt:
      return f([](double a, double b) { return a < b; });
    case BinaryOp::kLe:
      return f([](double a, double b) { return a <= b; });
    case BinaryOp::kGt:
      return f([](double a, double b) { return a > b; });
    case BinaryOp::kGe:
      return f([](double a, double b) { return a >= b; });
    default:
      return;
  }
}

// What a comparison leaves of a sample.
enum class Keep { kLeft, kRight, kBool };

// out[i] = lhs[i] op rhs[i] where both have a sample, "no sample" elsewhere and where a comparison
// fails. out may be one of the sides. REQUIRES: no set operator.
inline void ApplyOp(BinaryOp op, Keep keep, std::span<const double> lhs,
                    std::span<const double> rhs, std::span<double> out) {
  const size_t n = out.size();
  if (!IsComparison(op)) {
    WithArithmetic(op, [&](auto f) {
      for (size_t i = 0; i < n; ++i) {
        out[i] = IsStaleNaN(lhs[i]) || IsStaleNaN(rhs[i]) ? StaleNaN() : f(lhs[i], rhs[i]);
      }
    });
    return;
  }
  WithComparison(op, [&](auto f) {
    for (size_t i = 0; i < n; ++i) {
      if (IsStaleNaN(lhs[i]) || IsStaleNaN(rhs[i])) {
        out[i] = StaleNaN();
        continue;
      }
      const bool holds = f(lhs[i], rhs[i]);
      if (keep == Keep::kBool) {
        out[i] = holds ? 1 : 0;
      } else {
        out[i] = !holds ? StaleNaN() : keep == Keep::kLeft ? lhs[i] : rhs[i];
      }
    }
  });
}

}  // namespace vigil::promql
