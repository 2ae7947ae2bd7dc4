// SPDX-License-Identifier: Apache-2.0
// /api/v1/status/self_metrics: the page of /metrics as JSON.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/base/result.h"
#include "server/web/envelope.h"

namespace vigil::web {

// Writes a page of the text format as the JSON form of a list of io.prometheus.client.MetricFamily:
// [{"name":"up","help":"...","type":"GAUGE","metric":[{"label":[...],"gauge":{"value":1}}]}].
// `wanted` says which families. bad_data when the page is none.
Result<void> WriteFamilies(std::string_view page,
                           const std::function<bool(std::string_view name)>& wanted,
                           JsonWriter& json);

// Threads: any.
class SelfMetricsApi {
 public:
  explicit SelfMetricsApi(std::function<std::string()> page) : page_(std::move(page)) {}

  // metric_name_pattern: a regular expression that the whole name must match.
  Result<Annotations> List(const ApiRequest& request, JsonWriter& json) const;

 private:
  const std::function<std::string()> page_;
};

}  // namespace vigil::web
