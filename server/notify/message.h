// SPDX-License-Identifier: Apache-2.0
// What an integration has to say about a group, as its templates and payloads see it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/alerting/alert_router.h"
#include "server/notify/templates.h"
#include "server/template/alert_data.h"

namespace vigil::notify {

// Threads: any (immutable).
struct Message {
  alerting::Outgoing out;  // group key, deadline, notes of the integration
  tmpl::Notification data;
  tmpl::Value dot;                             // `data` for templates
  std::shared_ptr<const Templates> templates;  // never null
  std::string key_hash;                        // KeyHash of the group key

  // No alert is firing.
  [[nodiscard]] bool resolved() const { return data.status == "resolved"; }
  [[nodiscard]] Expander Texts() const { return Expander(*templates, dot); }
};

// bad_data or execution: a label of the route is a template that cannot be expanded.
Result<std::shared_ptr<const Message>> MakeMessage(alerting::Outgoing out,
                                                   std::shared_ptr<const Templates> templates);

// Status and what all alerts have in common, from the alerts.
void SummarizeAlerts(tmpl::Notification* data);

// The text as a regular expression that matches just it (Go's regexp.QuoteMeta).
std::string QuoteMeta(std::string_view text);

}  // namespace vigil::notify
