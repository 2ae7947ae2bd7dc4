// SPDX-License-Identifier: Apache-2.0
// /api/v1/query_exemplars.
#pragma once

#include "client-lib/base/result.h"
#include "server/promql/engine.h"
#include "server/storage/exemplars.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class ExemplarsApi {
 public:
  // Both must outlive this object.
  ExemplarsApi(const promql::Engine& engine, const storage::ExemplarQueryable& exemplars)
      : engine_(engine), exemplars_(exemplars) {}

  // Exemplars of every series that a selector of the expression names. An expression without any
  // has no answer.
  Result<Annotations> Query(const ApiRequest& request, JsonWriter& json) const;

 private:
  const promql::Engine& engine_;
  const storage::ExemplarQueryable& exemplars_;
};

}  // namespace vigil::web
