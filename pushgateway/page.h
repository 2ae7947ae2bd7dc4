// SPDX-License-Identifier: Apache-2.0
// The pages the gateway shows of its groups: text for scrapers, JSON for programs, HTML for people.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/base/result.h"
#include "pushgateway/group_store.h"

namespace vigil::pushgateway {

// Text 0.0.4: own families (already rendered) and pushed ones, sorted by name; each family once,
// with its groups in the order of their keys. Own HELP wins, else the first group's.
// verify: the groups were stored unchecked, so look for contradictions: bad_data names the first.
Result<std::string> RenderMetrics(std::string_view own, const Snapshot& groups, bool verify);

// The body of /api/v1/metrics.
std::string RenderMetricsJson(const Snapshot& groups);

// The status page.
std::string RenderStatusPage(const Snapshot& groups, std::string_view prefix,
                             std::string_view version);

// "2026-01-02T03:04:05.678Z" and friends need quoting only for quotes and control characters.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace vigil::pushgateway
