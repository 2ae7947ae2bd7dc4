// SPDX-License-Identifier: Apache-2.0
// Pointwise mathematics.
#include <cmath>
#include <limits>
#include <numbers>

#include "server/promql/call_context.h"
#include "server/promql/functions.h"

namespace vigil::promql {
namespace {

using enum ValueType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Go's math.Max and math.Min: an infinity wins over NaN, NaN over numbers, and -0 is below +0.
double GoMax(double a, double b) {
  if (a == kInfinity || b == kInfinity) return kInfinity;
  if (std::isnan(a) || std::isnan(b)) return NormalNaN();
  if (a == 0 && a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double GoMin(double a, double b) {
  if (a == -kInfinity || b == -kInfinity) return -kInfinity;
  if (std::isnan(a) || std::isnan(b)) return NormalNaN();
  if (a == 0 && a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

// Changes every float of a vector; f gets the value and the step. Histograms are left out.
template <typename F>
void ForEachSample(Vector* vector, F f) {
  vector->histograms.clear();
  for (size_t i = 0; i < vector->size(); ++i) {
    const std::span<double> row = vector->row(i);
    for (size_t step = 0; step < row.size(); ++step) {
      if (!IsStaleNaN(row[step])) row[step] = f(row[step], step);
    }
  }
}

Result<Value> Round(CallContext& call) {
  Value value = TRY(call.Eval(0));
  std::vector<double> nearest(call.grid().count, 1.0);
  if (call.arg_count() > 1) nearest = TRY(call.Scalar(1));
  ForEachSample(&value.vector, [&](double v, size_t step) {
    // The inverse has fewer surprises for 0.1 and the like.
    const double inverse = 1.0 / nearest[step];
    return std::floor(v * inverse + 0.5) / inverse;
  });
  return value;
}

Result<Value> ClampBetween(Value value, const std::vector<double>& low,
                           const std::vector<double>& high) {
  ForEachSample(&value.vector, [&](double v, size_t step) {
    if (high[step] < low[step]) return StaleNaN();
    return GoMax(low[step], GoMin(high[step], v));
  });
  return value;
}

Result<Value> Clamp(CallContext& call) {
  Value value = TRY(call.Eval(0));
  const std::vector<double> low = TRY(call.Scalar(1));
  const std::vector<double> high = TRY(call.Scalar(2));
  return ClampBetween(std::move(value), low, high);
}

Result<Value> ClampMin(CallContext& call) {
  Value value = TRY(call.Eval(0));
  const std::vector<double> low = TRY(call.Scalar(1));
  return ClampBetween(std::move(value), low, std::vector<double>(low.size(), kInfinity));
}

Result<Value> ClampMax(CallContext& call) {
  Value value = TRY(call.Eval(0));
  const std::vector<double> high = TRY(call.Scalar(1));
  return ClampBetween(std::move(value), std::vector<double>(high.size(), -kInfinity), high);
}

Result<Value> Pi(CallContext& call) {
  return Value::Scalar(std::vector<double>(call.grid().count, std::numbers::pi));
}

template <double (*kPick)(double, double)>
Result<Value> OfTwo(CallContext& call) {
  std::vector<double> a = TRY(call.Scalar(0));
  const std::vector<double> b = TRY(call.Scalar(1));
  for (size_t i = 0; i < a.size(); ++i) a[i] = kPick(a[i], b[i]);
  return Value::Scalar(std::move(a));
}

double Sign(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double Degrees(double v) { return v * 180 / std::numbers::pi; }
double Radians(double v) { return v * std::numbers::pi / 180; }

constexpr FunctionRow MapRow(std::string_view name, MapFn map, std::string_view help) {
  return {.name = name, .args = {kVector}, .kernel = map, .help = help};
}

constexpr FunctionRow kMathRows[] = {
    MapRow(
        "abs", [](double v) { return std::fabs(v); }, "Absolute value."),
    MapRow(
        "ceil", [](double v) { return std::ceil(v); }, "Rounds up to an integer."),
    MapRow(
        "floor", [](double v) { return std::floor(v); }, "Rounds down to an integer."),
    MapRow(
        "exp", [](double v) { return std::exp(v); }, "e to the power of the value."),
    MapRow(
        "ln", [](double v) { return std::log(v); }, "Natural logarithm."),
    MapRow(
        "log2", [](double v) { return std::log2(v); }, "Binary logarithm."),
    MapRow(
        "log10", [](double v) { return std::log10(v); }, "Decimal logarithm."),
    MapRow(
        "sqrt", [](double v) { return std::sqrt(v); }, "Square root."),
    MapRow("sgn", Sign, "Sign: 1, 0 or -1."),
    MapRow("deg", Degrees, "Radians to degrees."),
    MapRow("rad", Radians, "Degrees to radians."),
    MapRow(
        "sin", [](double v) { return std::sin(v); }, "Sine."),
    MapRow(
        "cos", [](double v) { return std::cos(v); }, "Cosine."),
    MapRow(
        "tan", [](double v) { return std::tan(v); }, "Tangent."),
    MapRow(
        "asin", [](double v) { return std::asin(v); }, "Arcsine."),
    MapRow(
        "acos", [](double v) { return std::acos(v); }, "Arccosine."),
    MapRow(
        "atan", [](double v) { return std::atan(v); }, "Arctangent."),
    MapRow(
        "sinh", [](double v) { return std::sinh(v); }, "Hyperbolic sine."),
    MapRow(
        "cosh", [](double v) { return std::cosh(v); }, "Hyperbolic cosine."),
    MapRow(
        "tanh", [](double v) { return std::tanh(v); }, "Hyperbolic tangent."),
    MapRow(
        "asinh", [](double v) { return std::asinh(v); }, "Inverse hyperbolic sine."),
    MapRow(
        "acosh", [](double v) { return std::acosh(v); }, "Inverse hyperbolic cosine."),
    MapRow(
        "atanh", [](double v) { return std::atanh(v); }, "Inverse hyperbolic tangent."),
    {.name = "round",
     .args = {kVector, kScalar},
     .optional = 1,
     .kernel = Round,
     .help = "Rounds to the nearest multiple of the second argument (1)."},
    {.name = "clamp",
     .args = {kVector, kScalar, kScalar},
     .kernel = Clamp,
     .help = "Bounds the values from below and above."},
    {.name = "clamp_min",
     .args = {kVector, kScalar},
     .kernel = ClampMin,
     .help = "Bounds the values from below."},
    {.name = "clamp_max",
     .args = {kVector, kScalar},
     .kernel = ClampMax,
     .help = "Bounds the values from above."},
    {.name = "pi", .result = kScalar, .kernel = Pi, .help = "The number pi."},
    {.name = "min_of",
     .args = {kScalar, kScalar},
     .result = kScalar,
     .experimental = true,
     .kernel = OfTwo<GoMin>,
     .help = "The smaller of two scalars."},
    {.name = "max_of",
     .args = {kScalar, kScalar},
     .result = kScalar,
     .experimental = true,
     .kernel = OfTwo<GoMax>,
     .help = "The larger of two scalars."},
};

}  // namespace

std::span<const FunctionRow> MathFunctions() { return kMathRows; }

}  // namespace vigil::promql
