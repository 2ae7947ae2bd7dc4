// SPDX-License-Identifier: Apache-2.0
// Text to syntax tree.
#pragma once

#include <string_view>
#include <vector>

#include "client-lib/base/result.h"
#include "server/promql/ast.h"

namespace vigil::promql {

struct ParserOptions {
  bool experimental_functions = false;    // --enable-feature=promql-experimental-functions
  bool duration_expressions = true;       // on by default since 3.14
  bool extended_range_selectors = false;  // anchored, smoothed
  bool fill_modifiers = false;            // fill, fill_left, fill_right

  static ParserOptions EverythingOn() { return {true, true, true, true}; }
};

// bad_data with upstream's text: `1:7: parse error: unexpected ...`. Type-checked; deep nesting
// (over 1000 levels) is an error, never a crash.
Result<ExprPtr> ParseExpr(std::string_view text, const ParserOptions& options = {});

// A bare selector without modifiers, as in match[]: `up{job="x"}`. Errors as above.
Result<std::vector<Matcher>> ParseMetricSelector(std::string_view text);

// `name{a="b"}` with literal values only, as the script files and rule tests write series.
Result<Labels> ParseMetric(std::string_view text);

// Canonical text of an expression, as upstream prints it (one line).
std::string Print(const Expr& expr);
// The same, laid out over lines of about 100 bytes, as upstream's format_query does.
std::string PrettyPrint(const Expr& expr);

// "line:column" (1-based, columns in bytes) of a position.
std::string PositionText(std::string_view query, size_t byte);

}  // namespace vigil::promql
