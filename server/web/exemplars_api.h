// SPDX-License-Identifier: Apache-2.0
// /api/v1/query_exemplars.
#pragma once

#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/storage/exemplars.h"
#include "server/web/envelope.h"

namespace vigil::web {

class QueryRunner;  // server/web/query_runner.h

// Threads: any.
class ExemplarsApi {
 public:
  // All must outlive this object. Requests are listed among the running queries.
  ExemplarsApi(QueryRunner& runner, const promql::Engine& engine,
               const storage::ExemplarQueryable& exemplars)
      : runner_(runner), engine_(engine), exemplars_(exemplars) {}

  // Exemplars of every series that a selector of the expression names. An expression without any
  // has no answer.
  Result<Annotations> Query(const ApiRequest& request, JsonWriter& json) const;

 private:
  QueryRunner& runner_;
  const promql::Engine& engine_;
  const storage::ExemplarQueryable& exemplars_;
};

}  // namespace vigil::web
