// SPDX-License-Identifier: Apache-2.0
// Rules and alerts as the API writes them.
#pragma once

#include "server/rules/alerting_rule.h"
#include "server/rules/rule_group.h"
#include "server/web/json_writer.h"

namespace vigil::web {

void WriteAlert(const rules::ActiveAlert& alert, JsonWriter& json);

enum class WithAlerts { kNo, kYes };
// Of either kind.
void WriteRule(const rules::Rule& rule, WithAlerts with_alerts, JsonWriter& json);

// The fields of a group but its rules, behind BeginObject.
void WriteGroupFields(const rules::RuleGroup& group, JsonWriter& json);

}  // namespace vigil::web
