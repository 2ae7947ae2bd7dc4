// SPDX-License-Identifier: Apache-2.0
// /api/v1/rules, /api/v1/alerts and /api/v1/alertmanagers. Rules are not evaluated yet, so there
// are no groups, alerts or Alertmanagers to list; parameters are checked as they will be.
#pragma once

#include "client-lib/base/result.h"
#include "server/web/envelope.h"

namespace vigil::web {

Result<Annotations> ListRules(const ApiRequest& request, JsonWriter& json);
Result<Annotations> ListAlerts(const ApiRequest& request, JsonWriter& json);
Result<Annotations> ListAlertmanagers(const ApiRequest& request, JsonWriter& json);

}  // namespace vigil::web
