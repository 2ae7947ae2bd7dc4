// SPDX-License-Identifier: Apache-2.0
// /api/v1/format_query and /api/v1/parse_query.
#pragma once

#include "client-lib/base/result.h"
#include "server/promql/ast.h"
#include "server/promql/parser.h"
#include "server/web/envelope.h"

namespace vigil::web {

// The syntax tree as upstream's API shows it: an object for each node, `type` says which.
void WriteExpr(const promql::Expr& expr, JsonWriter& json);

// Threads: any.
class ExpressionApi {
 public:
  explicit ExpressionApi(promql::ParserOptions options) : options_(options) {}

  Result<Annotations> Format(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> Parse(const ApiRequest& request, JsonWriter& json) const;

 private:
  const promql::ParserOptions options_;
};

}  // namespace vigil::web
