// SPDX-License-Identifier: Apache-2.0
// /api/v1/status/queries lists the queries that run; /api/v1/admin/queries/:id/cancel ends one.
// Upstream has neither.
#pragma once

#include "client-lib/base/result.h"
#include "server/promql/active_queries.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class QueriesApi {
 public:
  // with_texts: whether everybody who asks may see what others ask, and from where.
  QueriesApi(promql::ActiveQueries& active, bool with_texts)
      : active_(active), with_texts_(with_texts) {}

  // {"queries":[{"id":7,"query":"up","kind":"range","state":"running",...}]}, oldest first. Without
  // the texts "query" and "client" are empty, and "redacted" is true.
  Result<Annotations> List(const ApiRequest& request, JsonWriter& json) const;
  // 204; not_found when there is no such query.
  [[nodiscard]] http::Response Cancel(const http::Request& request) const;

 private:
  promql::ActiveQueries& active_;
  const bool with_texts_;
};

}  // namespace vigil::web
