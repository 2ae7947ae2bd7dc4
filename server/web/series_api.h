// SPDX-License-Identifier: Apache-2.0
// /api/v1/series, /api/v1/labels and /api/v1/label/<name>/values.
#pragma once

#include "client-lib/base/result.h"
#include "server/storage/storage.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Threads: any.
class SeriesApi {
 public:
  explicit SeriesApi(const storage::Queryable& store) : store_(store) {}

  Result<Annotations> Series(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> LabelNames(const ApiRequest& request, JsonWriter& json) const;
  Result<Annotations> LabelValues(const ApiRequest& request, JsonWriter& json) const;

 private:
  const storage::Queryable& store_;
};

}  // namespace vigil::web
