// SPDX-License-Identifier: Apache-2.0
// /api/v1/series, /api/v1/labels and /api/v1/label/<name>/values.
#pragma once

#include "client-lib/base/result.h"
#include "server/storage/storage.h"
#include "server/web/envelope.h"

namespace vigil::web {

class QueryRunner;  // server/web/query_runner.h

// Threads: any.
class SeriesApi {
 public:
  // Both must outlive this object. Requests have the limits of queries and are listed among them.
  SeriesApi(QueryRunner& runner, const storage::Queryable& store)
      : runner_(runner), store_(store) {}

  Result<Annotations> Series(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> LabelNames(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> LabelValues(const ApiRequest& request, JsonWriter& json) const;

 private:
  QueryRunner& runner_;
  const storage::Queryable& store_;
};

}  // namespace vigil::web
