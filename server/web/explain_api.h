// SPDX-License-Identifier: Apache-2.0
// /api/v1/query_explain: runs a query and answers, in place of its result, the tree of its nodes
// with what each has cost. Upstream has no such thing.
#pragma once

#include "client-lib/base/result.h"
#include "server/web/envelope.h"
#include "server/web/query_runner.h"

namespace vigil::web {

// Threads: any.
class ExplainApi {
 public:
  explicit ExplainApi(QueryRunner& runner) : runner_(runner) {}

  // The parameters of /query, or with `step` those of /query_range.
  Result<Annotations> Explain(const ApiRequest& request, JsonWriter& json) const;

 private:
  QueryRunner& runner_;
};

// In a word or two how the engine evaluates a node: "sliding windows", "vector matching".
std::string_view EvaluationName(const promql::Expr& expr);

}  // namespace vigil::web
